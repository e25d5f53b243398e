"""Commands typed by other users than the one that the tests run as."""

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
IN_GROUP = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=games")
DAEMON = ("setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups")
