"""Child processes that outlive the daemon.

    daemon (ProcessHost) --socket--> keeper --fork--> supervisor --fork--> the tool

The keeper only forks supervisors, and ends with the last daemon. A supervisor stays with one tool:
it claims the process's directory, starts the tool, delivers signals to it and writes how it ended.
None of them needs another to go on living; what happened is read from the directory (`state.look`).

`keeper`, `supervisor`, `tool`, `log_limit`, `order`, `records`, `linux` and `identity` run without
site-packages and import the standard library only; this file stays empty of code for them.
"""
