"""docs/ci.md: what its snippets do, and what a runner's Stop button then does to the job.

The ways in which shells are killed are those of the page's sources: GitLab Runner's
helpers/process/killer_unix.go (SIGTERM to the group, SIGKILL later), `su` of util-linux between
them (measured: the shell alone gets SIGTERM, and SIGKILL 2 s later), Bitbucket (SIGKILL).
"""

import itertools
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.cli.client.exits import Exit
from tests.docs.ci_host import CiHost, RunnerShell
from tests.docs.ci_snippets import CI, allowed_failures, script

pytestmark = pytest.mark.slow

PAGE = (CI.parent / "ci.md").read_text(encoding="utf-8")
SNIPPET = script("gitlab-ci.yml")
AFTER = script("gitlab-ci.yml", "after_script")
BITBUCKET = script("bitbucket-pipelines.yml")
KEEP = ("--on-disconnect cancel", "--on-disconnect keep")

Start = Callable[[CiHost, str], RunnerShell]

pipelines = itertools.count(1000)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CiHost]:
    made = CiHost(tmp_path_factory.mktemp("ci"))
    made.write()
    with made.daemon():
        yield made


@pytest.fixture
def version() -> str:
    return f"v{next(pipelines)}"


def gitlab_variables(version: str) -> dict[str, str]:
    return {
        "CI_COMMIT_TAG": version,
        "CI_PIPELINE_ID": version[1:],
        "CI_JOB_NAME": "deploy-staging",
        "CI_PROJECT_PATH": "group/web",
        "CI_COMMIT_TITLE": "--Fix it; rm -rf $HOME",
        "CI_PIPELINE_URL": f"https://gitlab.example.org/group/web/-/pipelines/{version[1:]}",
    }


def start_gitlab(
    host: CiHost, version: str, lines: str = SNIPPET, session: bool = False, **more: str
) -> RunnerShell:
    """The snippet, at the point where its tool is at work."""
    shell = host.gitlab(lines, gitlab_variables(version) | more, session)
    shell.read_until("applying")
    return shell


def start_bitbucket(host: CiHost, version: str) -> RunnerShell:
    shell = host.bitbucket(
        BITBUCKET,
        {
            "BITBUCKET_TAG": version,
            "BITBUCKET_BUILD_NUMBER": version[1:],
            "BITBUCKET_REPO_UUID": "{a-b}",
            "BITBUCKET_REPO_FULL_NAME": "group/web",
            "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/group/web",
        },
    )
    shell.read_until("applying")
    return shell


def job_of(host: CiHost) -> int:
    return int(host.result()["job"])


@pytest.mark.parametrize("start", [start_gitlab, start_bitbucket])
def test_a_deploy_that_succeeds(
    host: CiHost, version: str, start: Callable[[CiHost, str], RunnerShell]
) -> None:
    shell = start(host, version)
    host.open(f"{version}.go")
    assert "success" in shell.read_to_end()
    assert shell.exit_status() == 0
    assert host.result()["conclusion"] == "success"
    assert host.result()["output_apply_url"] == "https://example.org/"


def test_gitlab_stop_cancels(host: CiHost, version: str) -> None:
    """GitLab's stop cancels, and the CI log goes on to the end."""
    shell = start_gitlab(host, version)
    shell.signal_group(signal.SIGTERM)
    shell.read_until("asked to stop")
    host.open(f"{version}.stop")
    assert "stopped\n" in shell.read_to_end()
    job = host.ended(job_of(host))
    assert (job["conclusion"], job["cancel"]["reason"]) == (
        "cancelled",
        "interrupted in orchestrator submit",
    )
    assert host.result()["conclusion"] == "cancelled"


def test_a_stop_outlives_its_shell(host: CiHost, version: str) -> None:
    """A stop outlives the shell that asked for it."""
    shell = start_gitlab(host, version)
    shell.signal_group(signal.SIGTERM)
    shell.read_until("asked to stop")
    shell.signal_group(signal.SIGKILL)
    shell.read_to_end()
    assert host.json("show", str(job_of(host)))["phase"] == "cancelling"
    host.open(f"{version}.stop")
    assert host.ended(job_of(host))["conclusion"] == "cancelled"


def test_a_kill_cancels(host: CiHost, version: str) -> None:
    """A kill cancels when the client does not come back."""
    host.open(f"{version}.stop")
    shell = start_bitbucket(host, version)
    shell.signal_group(signal.SIGKILL)
    shell.read_to_end()
    job = host.ended(job_of(host))
    assert job["conclusion"] == "cancelled"
    assert job["cancel"]["reason"] == "the submitting client has been gone for 15s"


def test_a_kill_of_a_job_that_keeps(host: CiHost, version: str) -> None:
    """A kill lets a job go on that keeps."""
    shell = start_gitlab(host, version, SNIPPET.replace(*KEEP))
    shell.signal_group(signal.SIGKILL)
    shell.read_to_end()
    host.open(f"{version}.go")
    assert host.ended(job_of(host))["conclusion"] == "success"


def test_on_interrupt_detach_leaves_the_job_alone(host: CiHost, version: str) -> None:
    lines = SNIPPET.replace("--on-interrupt cancel", "--on-interrupt detach").replace(*KEEP)
    shell = start_gitlab(host, version, lines)
    shell.signal_group(signal.SIGTERM)
    assert "goes on. Look again: orchestrator wait" in shell.read_to_end()
    host.open(f"{version}.go")
    assert host.ended(job_of(host))["conclusion"] == "success"


def test_who_may_not_stop_may_not_ask(host: CiHost, version: str) -> None:
    """Who may not stop may not ask for it at submit."""
    shell = host.gitlab(SNIPPET.replace("submit web", "submit locked"), gitlab_variables(version))
    assert "stop" in shell.read_to_end()
    assert shell.exit_status() == Exit.FORBIDDEN


def test_a_job_that_nobody_may_stop_goes_on(host: CiHost, version: str) -> None:
    lines = SNIPPET.replace("submit web", "submit locked").replace(*KEEP)
    shell = start_gitlab(host, version, lines)
    shell.signal_group(signal.SIGTERM)
    assert "goes on. Look again: orchestrator wait" in shell.read_to_end()
    host.open(f"{version}.go")
    assert host.ended(job_of(host))["conclusion"] == "success"


def test_a_retry_attaches_to_the_job(host: CiHost, version: str) -> None:
    """A retry attaches to the job, and later gets its result."""
    first = start_gitlab(host, version, CI_JOB_ID="1")
    job = job_of(host)
    first.signal_group(signal.SIGKILL)
    first.read_to_end()
    second = start_gitlab(host, version, CI_JOB_ID="2")
    host.open(f"{version}.go")
    assert (second.read_to_end(), second.exit_status(), job_of(host))[1:] == (0, job)
    third = start_gitlab(host, version, CI_JOB_ID="3")
    assert (third.read_to_end(), third.exit_status(), job_of(host))[1:] == (0, job)


def test_without_exit_gitlab_hides_our_status(host: CiHost, version: str) -> None:
    """Without `exit` the GitLab shell would hide our status."""
    shell = host.gitlab(SNIPPET.replace("|| exit $?", "-x"), gitlab_variables(version))
    shell.read_to_end()
    assert (shell.exit_status(), Exit.USAGE) == (1, 2)


def test_a_logout_file_hides_our_status(host: CiHost, version: str) -> None:
    """What the page says of ~/.bash_logout: a success that ends with the file's 1."""
    logout = host.home / ".bash_logout"
    logout.write_text("false  # as Debian's clear_console says where there is no console\n")
    host.open(f"{version}.go")
    shell = start_gitlab(host, version)
    assert "success" in shell.read_to_end()
    logout.unlink()
    assert (shell.exit_status(), host.result()["conclusion"]) == (1, "success")


def test_deploy_again_is_a_new_job(host: CiHost, version: str) -> None:
    host.open(f"{version}.go")
    first = start_gitlab(host, version)
    first.read_to_end()
    job = job_of(host)
    again = start_gitlab(host, version, DEPLOY_AGAIN="2")
    again.read_to_end()
    assert job_of(host) > job


def test_a_key_with_another_url_is_refused(host: CiHost, version: str) -> None:
    host.open(f"{version}.go")
    start_gitlab(host, version).read_to_end()
    retry = host.gitlab(SNIPPET, gitlab_variables(version) | {"CI_PIPELINE_URL": "http://x/"})
    retry.read_to_end()
    assert retry.exit_status() == Exit.CONFLICT


def test_su_keeps_the_stop_from_us(host: CiHost, version: str) -> None:
    """`su` keeps the stop from us, and `after_script` tells it."""
    shell = start_gitlab(host, version, session=True)
    shell.signal_shell(signal.SIGTERM)
    shell.signal_shell(signal.SIGKILL)
    shell.exit_status()
    assert host.json("show", str(job_of(host)))["cancel"] is None
    host.open(f"{version}.stop")
    after = host.gitlab(AFTER, {"CI_JOB_STATUS": "canceled"})
    assert "was asked to stop" in after.read_to_end()
    assert host.ended(job_of(host))["cancel"]["reason"] == "stopped in GitLab"
    shell.read_to_end()


def test_submit_while_makes_su_harmless(host: CiHost, version: str) -> None:
    host.open(f"{version}.stop")
    guarded = SNIPPET.replace("orchestrator submit", f"{CI / 'submit-while'} $$")
    shell = start_gitlab(host, version, guarded, session=True)
    shell.signal_shell(signal.SIGTERM)
    shell.signal_shell(signal.SIGKILL)
    shell.exit_status()
    assert "stopped\n" in shell.read_to_end()
    assert host.ended(job_of(host))["conclusion"] == "cancelled"


def test_submit_while_has_the_exit_status_of_submit(host: CiHost, version: str) -> None:
    host.open(f"{version}.stop")
    guarded = SNIPPET.replace("orchestrator submit", f"{CI / 'submit-while'} $$")
    shell = start_gitlab(host, version, guarded, session=True)
    host.call("cancel", str(job_of(host)))
    shell.read_to_end()
    assert shell.exit_status() == Exit.CANCELLED


def test_the_page_lists_every_exit_status() -> None:
    table = PAGE.split("## Exit statuses")[1].split("\n## ")[0]
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert listed == set(Exit)


def test_allowed_failures_are_successes() -> None:
    assert allowed_failures() == [Exit.WARNINGS, Exit.HALTED]


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "bitbucket-pipelines.yml", "submit-while"])
def test_the_page_shows_the_tested_snippet(name: str) -> None:
    shown = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert (CI / name).read_text(encoding="utf-8") in shown


def test_no_profile_is_needed(tmp_path: Path) -> None:
    """The snippets name nothing but CI variables and `orchestrator`."""
    used = set(re.findall(r"\$\{?([A-Z_]+)", SNIPPET + AFTER + BITBUCKET))
    assert {name for name in used if not name.startswith(("CI_", "BITBUCKET_"))} == {"DEPLOY_AGAIN"}
