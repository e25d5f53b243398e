"""Answering what a job, or a step of it, asks: what `approve` and `reject` share."""

from __future__ import annotations

from orchestrator.cli.arguments import job_id, some_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.daemon import Daemon
    from orchestrator.cli.client.wire import Job


def answer_arguments(parser: ArgumentParser) -> None:
    """What may be typed after either verb."""
    parser.add_argument("job", metavar="JOB", type=job_id)
    parser.add_argument(
        "step",
        metavar="STEP",
        type=some_name,
        nargs="?",
        help="the step that asks, where there are several",
    )
    parser.add_argument("--comment", metavar="T", help="what is to be said to it")


def answer(daemon: Daemon, verb: str, options: Namespace) -> Job:
    """Say it; the job. Not repeated when the answer is lost: a yes counts once, and says so."""
    body = {"step": options.step, "comment": options.comment}
    job: Job = daemon.post(f"/v1/jobs/{options.job}/{verb}", body)
    return job
