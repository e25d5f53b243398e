"""The scripts of the snippets in docs/ci, as the runners hand them to a shell."""

from pathlib import Path
from typing import Any

import msgspec

CI = Path(__file__).parents[2] / "docs" / "ci"


def _step(name: str) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.yaml.decode((CI / name).read_bytes())
    if name == "gitlab-ci.yml":
        job: dict[str, Any] = document["deploy-staging"]
        return job
    step: dict[str, Any] = document["pipelines"]["tags"]["v*"][0]["step"]
    return step


def script(name: str, section: str = "script") -> str:
    """The lines of one section of a snippet."""
    return "\n".join(_step(name)[section])


def allowed_failures() -> list[int]:
    """The exit codes that the GitLab snippet does not take for a failure."""
    codes: list[int] = _step("gitlab-ci.yml")["allow_failure"]["exit_codes"]
    return codes


def as_gitlab_writes_it(lines: str) -> str:
    """What GitLab Runner's shells/bash.go makes of a job's script and gives to `bash -l` as stdin.

    Its escapes are of another form; what bash reads is the same.
    """
    quoted = "'" + lines.replace("'", "'\\''") + "'"
    return (
        "#!/usr/bin/env bash\n\ntrap exit 1 TERM\n\n"
        "if set -o | grep pipefail > /dev/null; then set -o pipefail; fi; set -o errexit\n"
        f"set +o noclobber\n: | eval {quoted}\nexit 0\n"
    )


def as_bitbucket_writes_it(lines: str) -> str:
    """A step's script as Atlassian describes it (support.atlassian.com, "Why does Bitbucket
    Pipelines pass build steps despite previous command failure?")."""
    return f"#!/bin/bash\nset -e\n{lines}\n"
