"""Who runs the tests: any user, and one whom no database knows has their number for a name."""

import os
import pwd

UID = os.geteuid()


def _name() -> str:
    try:
        return pwd.getpwuid(UID).pw_name
    except KeyError:
        return str(UID)


NAME = _name()
CALLER = {"uid": UID, "user": NAME}
"""How the daemon tells who asked."""
