"""Every verb by name: which module has it, and one line of what it does."""

from __future__ import annotations

SYNOPSIS = {
    "init": "write a small commented configuration that runs as it is",
    "check": "validate a configuration without starting",
    "serve": "run the daemon in the foreground",
    "status": "one screen: the daemon, what runs, what waits, what is owed",
    "submit": "queue a job; prints its id",
    "jobs": "list jobs, newest first",
    "show": "one job: its steps, how it went and why",
    "log": "what a job's steps wrote",
    "output": "the values that a step gave",
    "wait": "wait until jobs have finished",
    "explain": "why a job or a step of it waits, and who can lift it",
    "cancel": "ask jobs to stop",
    "approvals": "what awaits an approval, first what I may answer",
    "approve": "say yes to a job, or to what a step of it asks",
    "reject": "say no to it",
    "retry": "queue the like of a finished job again",
    "environments": "list environments",
    "environment": "one environment: holder, queue, debts, quarantine",
    "waive": "let an owed cleanup or a quarantine go (admin)",
    "recheck": "verify a quarantined environment again",
    "unknown": "runs that the journal does not know; an admin says what they are",
    "pipelines": "list pipelines",
    "pipeline": "one pipeline: parameters, and its steps as a graph",
    "plugins": "list installed adapters and hooks",
    "events": "the journal as a stream",
    "drain": "admit no more jobs",
    "resume": "admit jobs again",
    "reload": "read the configuration again",
    "doctor": "check this host",
    "schema": "JSON Schemas of the configuration, for editors",
    "completion": "a completion script for a shell",
}

ALIASES = {"logs": "log", "env": "environment"}

WITHOUT_JSON = frozenset({"serve", "completion"})
"""Verbs whose output is not data."""


def module_of(verb: str) -> str:
    """The module that has `arguments(parser)` and `run(options, terminal)` of a verb."""
    return f"orchestrator.cli.verbs.{verb}"
