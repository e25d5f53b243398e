"""What can go wrong with processes that outlive the daemon. One class for each cause."""


class ProcessError(Exception):
    """The base of all of these."""


class ProcessNotStarted(ProcessError):
    """There is nothing to wait for: the directory was never claimed, or was claimed as void."""


class EndUnknown(ProcessError):
    """The tool and all its descendants have ended, and nobody can know how: it may have succeeded.

    Its supervisor was killed, or the host went down.
    """


class ProcessNeverRan(EndUnknown):
    """The supervisor died before it released the tool: provably nothing was executed.

    This directory stays claimed; the tool may be started in another one.
    """


class ToolStillRuns(ProcessError):
    """Only what a tool left behind is swept, and this one has not ended."""


class TreeNotDead(ProcessError):
    """Processes survived every SIGKILL, as one in an uninterruptible sleep does; names the pids."""


class KeeperUnavailable(ProcessError):
    """No keeper could be started or reached; says why and where its log is."""


class StartRefused(ProcessError):
    """The host cannot fork, or the directory cannot be written; nothing was executed."""
