"""A proof is outdated by a change of what it is about, and by nothing else."""

from pathlib import Path

import pytest

from tests.builtin.git_repositories import git
from tests.proof import proof_age


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


def is_current(repository: Repository, commit: str) -> bool:
    return proof_age.is_current(commit, repository.root)


def test_a_proof_of_the_newest_change(repository: Repository) -> None:
    assert is_current(repository, repository.first)


def test_a_page_outdates_nothing(repository: Repository) -> None:
    repository.commit("docs/proof.md", "a row")
    assert is_current(repository, repository.first)


@pytest.mark.parametrize("path", proof_age.PROVEN)
def test_a_change_outdates(repository: Repository, path: str) -> None:
    changed = repository.commit(f"{path}/new.py", "2")
    assert not is_current(repository, repository.first)
    assert is_current(repository, changed)


def test_an_unknown_commit_is_outdated(repository: Repository) -> None:
    assert not is_current(repository, "0123456789")


def test_uncommitted_changes_are_named(repository: Repository) -> None:
    (repository.root / "orchestrator/core/rules.py").write_text("3")
    assert proof_age.uncommitted(repository.root) == "M orchestrator/core/rules.py"


def test_a_git_hook_changes_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook's git works on the repository of the hook, whatever directory it is told."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))
    assert is_current(repository, repository.first)
