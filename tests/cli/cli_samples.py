"""Jobs and other documents as the daemon answers them, for tests of what is made of them."""

from collections.abc import Mapping
from typing import TypeVar, cast

import msgspec

from orchestrator.cli.client.wire import (
    Approval,
    Awaited,
    AwaitedRule,
    Environment,
    Job,
    PendingApproval,
    Pipeline,
    PipelineStep,
    Quarantine,
    Recheck,
    Status,
    Step,
    UnknownRun,
)

Document = TypeVar("Document")
AT = "2026-01-31T12:{:02d}:{:02d}.000Z"


def at(minute: int, second: int = 0) -> str:
    return AT.format(minute, second)


def document(kind: type[Document], fields: Mapping[str, object]) -> Document:
    """The fields as a document of this kind: all that it has, each of its type."""
    msgspec.convert(fields, kind)
    assert fields.keys() == kind.__annotations__.keys(), "a field that no daemon answers"
    return cast(Document, fields)  # what `convert` makes lacks what the command line doesn't read


def step(name: str, uses: str = "command", /, **fields: object) -> Step:
    sample: dict[str, object] = {
        "name": name,
        "section": "steps",
        "stage": None,
        "uses": uses,
        "phase": "finished",
        "conclusion": "success",
        "exit": 0,
        "signal": None,
        "pid": None,
        "reason": None,
        "cause": None,
        "attempt": 1,
        "attempts": None,
        "next_attempt_at": None,
        "outputs": {},
        "progress": None,
        "waiting_for": None,
        "waiting_since": None,
        "warnings": [],
        "last_output_at": None,
        "started_at": at(0, 10),
        "finished_at": at(0, 51),
    }
    return document(Step, {**sample, **fields})


def pending(name: str, /, **fields: object) -> Step:
    blank = dict.fromkeys(("conclusion", "exit", "started_at", "finished_at"))
    return step(name, **{"phase": "pending", **blank, **fields})


def job(id: int = 118, /, **fields: object) -> Job:
    sample = {
        "id": id,
        "pipeline": "web",
        "environment": "production",
        "kind": "deploy",
        "params": {"version": "v1.2.3"},
        "priority": 0,
        "labels": {},
        "url": None,
        "phase": "finished",
        "conclusion": "success",
        "warnings": 0,
        "halted_by": None,
        "dirty": False,
        "retry_of": None,
        "cleanup_for": None,
        "pays": [],
        "submitter": {"uid": 1000, "user": "ada"},
        "reason": "release v1.2.3",
        "key": None,
        "source": {"commit": None},
        "locks": [],
        "approvals": [],
        "awaits": [],
        "waited_long": False,
        "submitted_at": at(0),
        "started_at": at(0, 5),
        "finished_at": at(2, 9),
        "cancel": None,
        "blockers": [],
        "steps": [],
    }
    return document(Job, {**sample, **fields})


def running(id: int = 118, /, **fields: object) -> Job:
    return job(id, **{"phase": "running", "conclusion": None, "finished_at": None, **fields})


def queued(id: int = 118, /, **fields: object) -> Job:
    return running(id, **{"phase": "queued", "started_at": None, **fields})


HALTED = job(
    halted_by="plan",
    steps=[
        step("build", section="before"),
        step(
            "plan",
            "terraform",
            section="before",
            conclusion="halted",
            reason="no changes",
            finished_at=at(0, 22),
        ),
        pending(
            "apply",
            uses="terraform",
            phase="finished",
            conclusion="not_run",
            reason="halted by plan (exit 0: no changes)",
            cause={"type": "step", "step": "plan", "conclusion": "halted", "exit": 0},
        ),
        pending(
            "smoke",
            phase="finished",
            conclusion="not_run",
            reason="halted by plan (exit 0: no changes)",
            cause={"type": "step", "step": "plan", "conclusion": "halted", "exit": 0},
        ),
        step("report", section="finally", finished_at=at(0, 12)),
    ],
)

QUARANTINE: Quarantine = {
    "since": at(3),
    "job": 118,
    "step": "apply",
    "found": "the state is locked by ada@host, apply, since 12:00",
    "commands": ["terraform -chdir=infra force-unlock 5f0c…"],
    "lookable": True,
    "recheck": None,
}

RECHECK: Recheck = {
    "id": "production/recheck-2",
    "asked": at(8),
    "by": "ada",
    "started": None,
    "cancel": None,
    "blockers": [
        {
            "type": "job",
            "id": 119,
            "text": "job 119 (e2e) runs, and a recheck runs alone",
            "since": at(5),
        }
    ],
}

ENVIRONMENT: Environment = {
    "name": "production",
    "preparing": [],
    "running": [],
    "queued": [120, 121],
    "debts": [
        {
            "pipeline": "web-cleanup",
            "for_job": 118,
            "since": at(2),
            "locks": ["shared-vpc"],
            "due": True,
        }
    ],
    "quarantine": QUARANTINE,
    "holds": [],
    "locks": ["shared-vpc"],
    "retired": False,
    "last": [118, 117],
    "unknown": [],
}


def defined(name: str, /, *needs: str, **fields: object) -> PipelineStep:
    """A step of a pipeline, as it is defined: what is not said here is null."""
    sample = {
        **dict.fromkeys(PipelineStep.__annotations__),
        "name": name,
        "uses": "command",
        "section": "steps",
        "needs": list(needs),
        "touches": False,
        "outcomes": [],
    }
    return document(PipelineStep, {**sample, **fields})


PIPELINE: Pipeline = {
    "name": "web",
    "kind": "deploy",
    "description": "Terraform, canary, release",
    "environments": ["staging", "production"],
    "params": [
        {
            "name": "version",
            "type": "string",
            "required": True,
            "default": None,
            "pattern": r"^v\d+$",
            "description": "",
            "choices": None,
            "min": None,
            "max": None,
            "example": None,
            "secret": False,
        },
        {
            "name": "regions",
            "type": "list",
            "required": False,
            "default": ["eu", "us"],
            "pattern": None,
            "description": "where",
            "choices": ["eu", "us", "ap"],
            "min": 1,
            "max": None,
            "example": None,
            "secret": False,
        },
        {
            "name": "count",
            "type": "integer",
            "required": True,
            "default": None,
            "pattern": None,
            "description": None,
            "choices": None,
            "min": 1,
            "max": 10,
            "example": "3",
            "secret": False,
        },
    ],
    "steps": [
        defined("plan", uses="terraform", section="before"),
        defined("apply", uses="terraform", touches=True),
        defined("a", "apply", touches=True),
        defined("b", "apply"),
        defined("end", "a", "b", touches=True),
    ],
    "cleanup": "web-cleanup",
    "stop": {
        "queued": "submitters",
        "preparing": "submitters",
        "acquiring": "submitters",
        "applying": "admins",
        "cleaning_up": "admins",
    },
    "approvals": [],
    "timeout": None,
    "max_wait": None,
    "on_max_wait": "fail",
    "fail_running": "finish",
    "halt_running": "finish",
}

UNKNOWN: UnknownRun = {
    "job": 121,
    "pipeline": "web",
    "environments": ["production"],
    "since": at(4),
    "directory": "/var/lib/orchestrator/jobs/121",
    "pids": [4712, 4713],
    "waiting": False,
    "by": None,
    "reason": None,
}
STATUS: Status = {
    "daemon": {
        "pid": 4711,
        "version": "0.1.0",
        "started_at": at(0),
        "state_dir": "/var/lib/orchestrator",
        "draining": {"by": {"uid": 0, "user": "root"}, "reason": "upgrade", "since": at(1)},
        "capacity": 8,
        "in_use": 1,
        "configuration": {
            "directory": "/etc/orchestrator",
            "accepted_at": at(0),
            "problems": ["pipelines/web.toml:3: kind: there is no kind x"],
        },
        "plugins_not_loaded": [],
    },
    "running": [
        running(
            119,
            steps=[
                step(
                    "apply",
                    "terraform",
                    phase="applying",
                    conclusion=None,
                    exit=None,
                    finished_at=None,
                    last_output_at=at(1),
                    progress={"done": 3, "total": 10, "text": "resources"},
                )
            ],
        )
    ],
    "queued": [
        queued(
            120,
            blockers=[
                {"type": "drain", "id": "daemon", "text": "the daemon drains", "since": None}
            ],
        )
    ],
    "preparing": [],
    "approvals": [],
    "quarantines": [ENVIRONMENT],
    "unknown": [UNKNOWN],
    "debts": [
        {
            "environment": "production",
            "pipeline": "web-cleanup",
            "for_job": 118,
            "since": at(2),
            "locks": [],
            "due": True,
        }
    ],
}

RULE = document(
    AwaitedRule,
    {
        "for": "pipeline",
        "text": "approval by approver (1 of 2), not by who submitted it",
        "roles": ["approver"],
        "count": 2,
        "given": 1,
        "not_submitter": True,
        "expires_at": "2026-01-31T16:04:00.000Z",
    },
)
APPROVAL = document(
    Approval,
    {
        "by": {"uid": 1001, "user": "bob"},
        "at": at(5),
        "comment": "fine",
        "step": None,
        "for": ["pipeline"],
    },
)


def awaited(step: str | None = None, /, **fields: object) -> Awaited:
    sample = {
        "step": step,
        "message": "release?" if step else None,
        "since": at(4),
        "expires_at": RULE["expires_at"],
        "rules": [RULE],
    }
    return document(Awaited, {**sample, **fields})


def pending_approval(
    job: int = 118, step: str | None = None, /, **fields: object
) -> PendingApproval:
    sample = {
        **awaited(step),
        "job": job,
        "pipeline": "web",
        "environment": "production",
        "kind": "deploy",
        "submitter": {"uid": 1000, "user": "ada"},
        "reason": "release v1.2.3",
        "params": {},
        "approvals": [APPROVAL],
        "summaries": [{"step": "plan", "text": "+3 ~1 -0"}],
        "holds_environment": step is not None,
        "may_answer": True,
    }
    return document(PendingApproval, {**sample, **fields})


def preparing(id: int = 118, /, **fields: object) -> Job:
    return running(id, **{"phase": "preparing", "started_at": None, **fields})
