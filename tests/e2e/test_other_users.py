"""Who somebody is, the kernel says; what they may do, the roles."""

from pathlib import Path

import pytest

from tests import needs
from tests.e2e.e2e_bench import WAITS, Installation, one_step
from tests.e2e.other_people import DAEMON, IN_GROUP, NOBODY

pytestmark = [pytest.mark.slow, needs.ROOT, needs.OTHER_USERS]


def serve(installation: Installation, roles: str) -> Installation:
    """A daemon with these roles."""
    installation.write(
        {
            "environments/staging.toml": "",
            "pipelines/good.toml": one_step("print('well')"),
            "pipelines/stays.toml": one_step(WAITS, installation.root / "gate"),
            "pipelines/own.toml": one_step(WAITS, installation.root / "gate", top='stop = "owner"'),
        },
        roles,
    )
    installation.start()
    return installation


def test_without_roles_nobody_else_gets_in(public: Installation) -> None:
    serve(public, "")
    for words in (("status",), ("jobs",), ("submit", "good", "staging"), ("drain",)):
        refused = public.run(*words, prefix=NOBODY)
        assert refused.returncode == 3, refused
    public.says("submit", "good", "staging", "--wait")


def test_a_submitter_submits_and_does_not_administer(public: Installation) -> None:
    serve(public, '[roles]\nsubmitter = ["nobody"]\nadmin = ["root"]\n')
    submitted = public.run("submit", "good", "staging", "--wait", prefix=NOBODY)
    assert submitted.returncode == 0, submitted
    assert public.job(1)["submitter"] == {"uid": 65534, "user": "nobody"}
    refused = public.run("drain", prefix=NOBODY)
    assert refused.returncode == 3
    assert "admin" in refused.stderr
    assert public.run("waive", "staging", "--reason", "x", prefix=NOBODY).returncode == 3


def test_a_viewer_looks(public: Installation) -> None:
    serve(public, '[roles]\nviewer = ["*"]\nadmin = ["root"]\n')
    public.says("submit", "good", "staging", "--wait")
    assert "good" in public.run("show", "1", prefix=NOBODY).stdout
    refused = public.run("submit", "good", "staging", prefix=NOBODY)
    assert refused.returncode == 3
    assert "submitter" in refused.stderr


def test_a_role_by_group(public: Installation) -> None:
    """A role by group is that of the process."""
    serve(public, '[roles]\nsubmitter = ["@games"]\nadmin = ["root"]\n')
    assert public.run("submit", "good", "staging", prefix=NOBODY).returncode == 3
    assert public.run("submit", "good", "staging", prefix=IN_GROUP).returncode == 0


def test_only_the_owner_stops(public: Installation) -> None:
    """Only the owner stops where the pipeline says so."""
    serve(public, '[roles]\nsubmitter = ["nobody", "daemon"]\nadmin = ["root"]\n')
    job = int(public.run("submit", "own", "staging", prefix=NOBODY).stdout)
    public.at_work(job)
    assert public.run("cancel", str(job), prefix=DAEMON).returncode == 3
    assert public.run("cancel", str(job), "--wait", prefix=NOBODY).returncode == 0
    assert public.job(job)["cancel"]["by"]["user"] == "nobody"


def test_force_is_for_admins(public: Installation) -> None:
    serve(public, '[roles]\nsubmitter = ["nobody"]\nadmin = ["root"]\n')
    job = int(public.run("submit", "stays", "staging", prefix=NOBODY).stdout)
    public.at_work(job)
    assert public.run("cancel", str(job), "--force", prefix=NOBODY).returncode == 3


def test_keys_belong_to_their_user(public: Installation) -> None:
    serve(public, '[roles]\nsubmitter = ["nobody"]\nadmin = ["root"]\n')
    mine = public.submit("good", "staging", "--key", "build 7")
    theirs = public.run("submit", "good", "staging", "--key", "build 7", prefix=NOBODY)
    assert int(theirs.stdout) != mine


def test_the_state_is_nobody_elses_to_read(public: Installation) -> None:
    serve(public, '[roles]\nviewer = ["*"]\nadmin = ["root"]\n')
    public.says("submit", "good", "staging", "--wait")
    assert public.state.stat().st_mode & 0o077 == 0, "whatever is below it, nobody gets there"
    for path in filter(Path.is_file, public.state.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_socket_whose_directory_keeps_them_out(public: Installation) -> None:
    serve(public, '[roles]\nviewer = ["*"]\nadmin = ["root"]\n')
    public.root.chmod(0o700)
    try:
        refused = public.run("status", prefix=NOBODY)
    finally:
        public.root.chmod(0o755)
    assert refused.returncode == 3, refused
