"""`make release`, in a copy of this checkout: four wheels that say the same version, and a tag."""

import datetime
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import needs

ROOT = Path(__file__).parents[1]
VERSION = "7.8.9"
DISTRIBUTIONS = {
    "deploy_orchestrator": "orchestrator",
    "orchestrator_helm": "orchestrator_helm",
    "orchestrator_spinnaker": "orchestrator_spinnaker",
    "orchestrator_terraform": "orchestrator_terraform",
}
"""Each with the one package that it holds."""

NOBODYS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""Git without the settings of whoever runs the tests: they may sign, or have hooks."""

pytestmark = [pytest.mark.slow, needs.CHECKOUT]


def today() -> str:
    return datetime.date.today().isoformat()


class Checkout:
    """A repository with one commit: all files that this one has now."""

    def __init__(self, place: Path) -> None:
        self.place = place
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, place / name)
        self.git("init", "--quiet")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@localhost")
        self.commit("as it is")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.place,
            env={**os.environ, **NOBODYS},
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)

    def release(self, version: str = VERSION, **env: str) -> subprocess.CompletedProcess[str]:
        """What the make target runs."""
        words = ["-m", "tools.release", version, "--date", today()]
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.place,
            env={**os.environ, **NOBODYS, **env},
            capture_output=True,
            start_new_session=True,  # a hook may interrupt all of it
            text=True,
        )

    def hook(self, name: str, *lines: str) -> Path:
        """What git runs, with `$us` as the number of the release's process."""
        hook = self.place / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        lines = ("#!/bin/sh", "read -r _ _ _ us _ </proc/$PPID/stat", *lines)
        hook.write_text("".join(f"{line}\n" for line in lines))
        hook.chmod(0o700)
        return hook

    def wheels(self) -> list[str]:
        """And whatever else stands beside them."""
        return sorted(path.name for path in (self.place / "dist").glob("*"))

    def unchanged(self) -> bool:
        """Whether there is nothing but the first commit."""
        return (self.git("status", "--porcelain"), self.git("tag")) == ("", "") and (
            self.git("rev-list", "--count", "HEAD") == "1"
        )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


def test_settings_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whoever runs the tests: none changes what they see."""
    (tmp_path / "config").write_text(
        "[commit]\n gpgSign = true\n[gpg]\n program = false\n[safe]\n bareRepository = explicit\n"
        f"[core]\n hooksPath = {tmp_path}\n"
    )
    hook = tmp_path / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o700)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    assert Checkout(tmp_path / "checkout").unchanged()


def test_what_is_refused_changes_nothing(checkout: Checkout) -> None:
    for version, text in (("0.0.1", "is less than"), ("", "x.y.z")):
        refused = checkout.release(version)
        assert (refused.returncode, checkout.unchanged()) == (1, True)
        assert text in refused.stderr
    stray = checkout.place / "stray"
    stray.touch()
    checkout.git("config", "status.showUntrackedFiles", "no")
    refused = checkout.release()
    checkout.git("config", "--unset", "status.showUntrackedFiles")
    stray.unlink()
    assert (refused.returncode, "stray" in refused.stderr) == (1, True)
    assert checkout.unchanged()


def test_what_is_not_committed_is_listed(checkout: Checkout) -> None:
    """As git lists it, each in its column."""
    changelog = checkout.place / "CHANGELOG.md"
    before = changelog.read_text()
    changelog.write_text(f"{before}\n")
    refused = checkout.release()
    changelog.write_text(before)
    assert refused.stderr.endswith(":\n M CHANGELOG.md\n")


def test_a_linked_venv_is_no_change(checkout: Checkout, tmp_path: Path) -> None:
    venv = checkout.place / ".venv"
    venv.symlink_to(tmp_path, target_is_directory=True)
    assert checkout.unchanged()
    venv.unlink()


def test_without_git(checkout: Checkout, tmp_path: Path) -> None:
    refused = checkout.release(PATH=str(tmp_path))
    assert (refused.returncode, refused.stderr) == (
        1,
        "not released: there is no program git: install it\n",
    )


def test_the_first_release(tmp_path: Path) -> None:
    """Of the version that the projects have from the beginning; of each there is one release."""
    first = Checkout(tmp_path)
    project = tmp_path / "pyproject.toml"
    project.write_text(re.sub("(?m)^version = .*$", f'version = "{VERSION}"', project.read_text()))
    first.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    done = first.release()
    assert done.returncode == 0, done.stderr
    assert first.git("describe", "--exact-match", "HEAD") == f"v{VERSION}"
    assert "a tag v7.8.9 already" in first.release().stderr
    assert f"git push origin {first.git('symbolic-ref', '--short', 'HEAD')} v7.8.9" in done.stdout
    undo = re.search("(?m)^to undo it: (.*)$", done.stdout)
    assert undo is not None
    subprocess.run(["sh", "-c", undo[1]], cwd=tmp_path, check=True, capture_output=True)
    assert (first.unchanged(), first.wheels()) == (True, [])


def test_a_version_below_a_tag(checkout: Checkout) -> None:
    """Whatever the projects of this branch say."""
    checkout.git("tag", "v7.10.0")
    refused = checkout.release()
    checkout.git("tag", "--delete", "v7.10.0")
    assert (refused.returncode, "7.8.9 is less than 7.10.0" in refused.stderr) == (1, True)
    assert checkout.unchanged()


def test_a_detached_head(tmp_path: Path) -> None:
    detached = Checkout(tmp_path)
    detached.git("checkout", "--quiet", "--detach")
    refused = detached.release()
    assert (refused.returncode, "HEAD is detached" in refused.stderr) == (1, True)
    assert detached.unchanged()


STOPS = [
    ("kill -TERM $us", signal.SIGTERM),  # by `kill`
    ("kill -INT 0", signal.SIGINT),  # by Ctrl-C: the whole group
]


@pytest.mark.parametrize(("line", "number"), STOPS, ids=["term", "int"])
def test_a_release_that_is_stopped(tmp_path: Path, line: str, number: signal.Signals) -> None:
    """By a signal while git is at work: one line, and all as before."""
    stopped = Checkout(tmp_path)
    stopped.hook("pre-commit", line, "while kill -0 $PPID; do sleep 0.05; done", "exit 1")
    done = stopped.release()
    assert (done.returncode, done.stderr) == (
        128 + number,
        f"not released: stopped by {number.name}; all files are as before\n",
    )
    assert (stopped.unchanged(), stopped.wheels()) == (True, [])


def test_a_release_that_is_killed(tmp_path: Path) -> None:
    """Before its commit, or before its tag: the next one says what to type."""
    killed = Checkout(tmp_path)
    for name in ("pre-commit", "post-commit"):
        hook = killed.hook(name, "kill -KILL $us", "exit 1")
        assert killed.release().returncode == -signal.SIGKILL
        while killed.git("log", "-1", "--format=%s") == "as it is" and name == "post-commit":
            pass  # git goes on to its end
        hook.unlink()
        refused = killed.release()
        advice = re.search(r"To undo it[^:]*: git (.*)", refused.stderr)
        assert advice is not None, refused.stderr
        killed.git(*advice[1].split())
        assert killed.unchanged()
    assert "Release 7.8.9 without its tag" in refused.stderr
    done = killed.release()
    assert done.returncode == 0, done.stderr
    assert killed.wheels() == done.stdout.replace("dist/", "").splitlines()[:4]


def test_changes_of_people_are_theirs(checkout: Checkout) -> None:
    """Where only the changelog has changed, no release is told to have been killed."""
    changelog = checkout.place / "CHANGELOG.md"
    before = changelog.read_text()
    dated = f"## [Unreleased]\n\n## [{VERSION}] - {today()}\n"
    changelog.write_text(before.replace("## [Unreleased]\n", f"{dated}\nA word.\n"))
    refused = checkout.release()
    changelog.write_text(before)
    assert "commit these first" in refused.stderr


def test_what_cannot_be_undone_either(tmp_path: Path) -> None:
    """As on a full disk: what went wrong first is told, and what to type later."""
    full = Checkout(tmp_path / "checkout")
    (full.place / ".git" / "info").mkdir(exist_ok=True)
    (full.place / ".git" / "info" / "exclude").write_text("dist\n")
    (full.place / "dist").write_text("no directory")
    git = tmp_path / "git"
    git.write_text(
        '#!/bin/sh\n[ "$1" = reset ] && echo no space >&2 && exit 128\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    git.chmod(0o700)
    refused = full.release(PATH=f"{tmp_path}:{os.environ['PATH']}")
    first, second, advice = refused.stderr.splitlines()
    assert "Not a directory" in first or "File exists" in first
    assert second.endswith("no space")
    assert advice.endswith(f"git reset --hard {full.git('rev-parse', 'HEAD')}")
    assert full.unchanged()


def test_wheels_that_cannot_be_built(tmp_path: Path) -> None:
    """Then no file is changed, and there is neither commit nor tag."""
    broken = Checkout(tmp_path)
    (tmp_path / "plugins" / "helm" / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "nobody"\n'
        '[project]\nname = "orchestrator-helm"\nversion = "0.1.0"\n'
    )
    broken.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    refused = broken.release()
    assert (refused.returncode, "nobody" in refused.stderr) == (1, True), refused.stderr
    assert broken.unchanged()


def test_a_hook_that_refuses_the_commit(tmp_path: Path) -> None:
    hooked = Checkout(tmp_path)
    hooked.hook("pre-commit", "echo no luck >&2", "exit 1")
    refused = hooked.release()
    assert (refused.returncode, "no luck" in refused.stderr) == (1, True), refused.stderr
    assert (hooked.unchanged(), hooked.wheels()) == (True, [])


@pytest.fixture(scope="module")
def released(checkout: Checkout) -> Checkout:
    done = checkout.release()
    assert done.returncode == 0, done.stderr
    return checkout


def test_the_commit_and_its_tag(released: Checkout) -> None:
    assert released.git("describe", "--exact-match", "HEAD") == f"v{VERSION}"
    assert released.git("log", "-1", "--format=%s") == f"Release {VERSION}"
    assert released.git("status", "--porcelain") == ""
    changelog = (released.place / "CHANGELOG.md").read_text()
    assert f"## [Unreleased]\n\n## [{VERSION}] - {today()}\n" in changelog
    again = released.release("7.9.0")
    assert "[Unreleased] in CHANGELOG.md has no line" in again.stderr


def wheels(checkout: Checkout) -> dict[str, zipfile.ZipFile]:
    found = sorted((checkout.place / "dist").iterdir())
    return {path.name.partition("-")[0]: zipfile.ZipFile(path) for path in found}


def test_wheels_hold_their_package_alone(released: Checkout) -> None:
    """Neither tests nor tools."""
    assert set(wheels(released)) == set(DISTRIBUTIONS)
    for name, wheel in wheels(released).items():
        tops = {Path(file).parts[0] for file in wheel.namelist()}
        assert tops == {DISTRIBUTIONS[name], f"{name}-{VERSION}.dist-info"}
        files = [Path(file).name for file in wheel.namelist()]
        assert [file for file in files if file.startswith("test_") or file == "conftest.py"] == []


def test_wheels_name_each_other_by_range(released: Checkout) -> None:
    for name, wheel in wheels(released).items():
        said = Parser().parsestr(wheel.read(f"{name}-{VERSION}.dist-info/METADATA").decode())
        assert said["Version"] == VERSION
        needed = [Requirement(text) for text in said.get_all("Requires-Dist", [])]
        daemon = [each for each in needed if each.name == "deploy-orchestrator"]
        assert len(daemon) == (name != "deploy_orchestrator")
        for requirement in daemon:
            assert requirement.specifier.contains(VERSION)
            assert not requirement.specifier.contains("8.0.0")


def test_what_is_installed_from_the_wheels(released: Checkout, tmp_path: Path) -> None:
    """It says its version, and finds its plugins."""
    built = [str(path) for path in (released.place / "dist").iterdir()]
    install = ["pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([sys.executable, "-m", *install, *built], check=True)
    code = (
        "from orchestrator.cli.main import version\n"
        "from orchestrator.plugin.registry import load\n"
        "found = load()\n"
        "print(version(), *(f'{each.name}={each.version}' for each in found.plugins))\n"
        "assert found.problems == (), found.problems\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    plugins = [f"orchestrator-{each}={VERSION}" for each in ("helm", "spinnaker", "terraform")]
    assert (done.stdout.split(), done.stderr) == ([VERSION, *plugins], "")
