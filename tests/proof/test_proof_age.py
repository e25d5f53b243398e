"""A proof is outdated by a change of what it is about, and by nothing else."""

import subprocess
from pathlib import Path

import pytest

from tests.builtin.git_repositories import git
from tests.proof import proof_age
from tests.proof.proofs import ENGINE, PROOFS, Proof


class Repository:
    """A git repository with a file of the core and a page."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._git("init", "-q", "-b", "main")
        self.first = self.commit("orchestrator/core/rules.py", "1")

    def commit(self, name: str, text: str) -> str:
        """Commit one file; the new commit."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._git("add", name)
        self._git("commit", "-qm", name)
        return proof_age.git("rev-parse", "HEAD", root=self.root)

    def _git(self, *words: str) -> None:
        git(*words, cwd=self.root)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


ABOUT = ("orchestrator/core", "plugins/some")


def is_current(repository: Repository, commit: str) -> bool:
    return proof_age.is_current(commit, ABOUT, repository.root)


def test_a_proof_of_the_newest_change(repository: Repository) -> None:
    assert is_current(repository, repository.first)


@pytest.mark.parametrize("path", ["docs/proof.md", "plugins/other/new.py"], ids=["page", "plugin"])
def test_what_outdates_nothing(repository: Repository, path: str) -> None:
    repository.commit(path, "a row")
    assert is_current(repository, repository.first)


@pytest.mark.parametrize("path", ABOUT)
def test_a_change_outdates(repository: Repository, path: str) -> None:
    changed = repository.commit(f"{path}/new.py", "2")
    assert not is_current(repository, repository.first)
    assert is_current(repository, changed)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_what_a_proof_is_about_exists(proof: Proof) -> None:
    """A path that is not there never changes."""
    assert [path for path in proof.about if not (proof_age.ROOT / path).exists()] == []
    tests = [word for word in proof.tests if "/" in word]
    assert [path for path in tests if not (proof_age.ROOT / path).exists()] == []


def test_no_plugin_outdates_another() -> None:
    """Nor does the command line a proof of the engine."""
    of_plugins = {proof.name: set(proof.about) - set(ENGINE) for proof in PROOFS}
    assert of_plugins["helm-matrix"] == {"plugins/helm/orchestrator_helm"}
    assert of_plugins["simulation"] == of_plugins["kills-command"] == set()


def test_an_unknown_commit_is_outdated(repository: Repository) -> None:
    assert not is_current(repository, "0123456789")


def test_a_shallow_clone_knows_no_age(repository: Repository, tmp_path: Path) -> None:
    repository.commit("docs/proof.md", "a row")
    shallow = tmp_path / "shallow"
    git("clone", "-q", "--depth=1", repository.root.as_uri(), str(shallow), cwd=tmp_path)
    with pytest.raises(proof_age.NoHistory, match="git fetch --unshallow"):
        proof_age.is_current("HEAD", ABOUT, shallow)


def test_uncommitted_changes_are_named(repository: Repository) -> None:
    (repository.root / "orchestrator/core/rules.py").write_text("3")
    assert proof_age.uncommitted(repository.root) == "M orchestrator/core/rules.py"


def test_new_files_are_uncommitted(repository: Repository) -> None:
    """Wherever they are, and though somebody's git does not tell of them; but for the page."""
    subprocess.run(
        ["git", "config", "status.showUntrackedFiles", "no"], cwd=repository.root, check=True
    )
    (repository.root / "docs").mkdir()
    (repository.root / "docs" / "proof.md").touch()
    assert proof_age.uncommitted(repository.root) == ""
    (repository.root / ".ci").mkdir()
    (repository.root / ".ci" / "run").touch()
    assert proof_age.uncommitted(repository.root) == "?? .ci/run"


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_what_git_hides_is_uncommitted(repository: Repository, flag: str) -> None:
    rules = "orchestrator/core/rules.py"
    subprocess.run(["git", "update-index", flag, rules], cwd=repository.root, check=True)
    assert f" {rules} (git update-index --no-" in proof_age.uncommitted(repository.root)


def test_a_git_hook_changes_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook's git works on the repository of the hook, whatever directory it is told."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))
    assert is_current(repository, repository.first)
