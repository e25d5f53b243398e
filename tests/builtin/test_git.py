"""The `git` adapter over real repositories: which commit, and what is there afterwards."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from orchestrator.builtin.git import orchestrator_adapters
from orchestrator.builtin.git_config import GitConfig
from orchestrator.core.language.model import ProcessRecord
from orchestrator.plugin import AdapterError, Problem, Severity
from tests.builtin.git_bench import ADAPTER, SOURCE, check_out, refusal, step_of, tree
from tests.builtin.git_repositories import Repository, git
from tests.engine.step_bench import StepBench, open_step_bench

pytestmark = pytest.mark.slow


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path / "bench") as bench:
        yield bench


@pytest.fixture
def infra(tmp_path: Path) -> Repository:
    """Two commits: v1.2.3, and main."""
    repository = Repository(tmp_path / "infra")
    repository.commit({"main.tf": "one\n"}, "v1.2.3")
    repository.commit({"main.tf": "two\n", "sub/dir/x": ""})
    return repository


def test_it_registers_itself() -> None:
    [adapter] = orchestrator_adapters()
    traits = adapter.traits(GitConfig(url="/srv/infra"))
    assert (adapter.name, traits.touches, traits.takes_slot) == ("git", False, True)


# --- which commit ---------------------------------------------------------------------------


async def test_a_tag(bench: StepBench, infra: Repository) -> None:
    result = await check_out(bench, url=infra.url, ref="v1.2.3")
    commit = infra.git("rev-parse", "v1.2.3^{commit}")
    assert result.outputs == {"commit": commit, "ref": "refs/tags/v1.2.3", "describe": "v1.2.3"}
    assert result.summary == f"commit {commit[:7]} (v1.2.3)"
    work = bench.paths().workdir
    assert (work / "main.tf").read_text() == "one\n"
    assert git("status", "--porcelain", cwd=work) == ""
    assert git("remote", "get-url", "origin", cwd=work) == infra.url


async def test_the_default_branch(bench: StepBench, infra: Repository) -> None:
    result = await check_out(bench, url=str(infra.path))
    assert result.outputs["commit"] == infra.head
    assert result.outputs["ref"] == "refs/heads/main"
    assert result.outputs["describe"] == f"v1.2.3-1-g{infra.head[:7]}"
    assert result.summary == f"commit {infra.head[:7]} (main)"


async def test_a_branch_with_a_slash(bench: StepBench, infra: Repository) -> None:
    infra.git("branch", "team/x", "HEAD~1")
    result = await check_out(bench, url=infra.url, ref="team/x")
    assert result.outputs["ref"] == "refs/heads/team/x"
    assert tree(bench) == ["main.tf"]


@pytest.mark.parametrize("length", [40, 10])
async def test_a_commit(bench: StepBench, infra: Repository, length: int) -> None:
    result = await check_out(bench, url=infra.url, ref=infra.head[:length])
    assert (result.outputs["commit"], result.outputs["ref"]) == (infra.head, infra.head)
    assert result.summary == f"commit {infra.head[:7]} (v1.2.3-1-g{infra.head[:7]})"


async def test_a_commit_that_only_another_ref_leads_to(bench: StepBench, infra: Repository) -> None:
    infra.git("checkout", "--quiet", "--detach")
    commit = infra.commit({"request": ""})
    infra.git("update-ref", "refs/pull/5/head", commit)
    infra.git("checkout", "--quiet", "main")
    result = await check_out(bench, url=infra.url, ref="refs/pull/5/head")
    assert (result.outputs["commit"], result.outputs["ref"]) == (commit, "refs/pull/5/head")
    infra.git("config", "uploadpack.allowAnySHA1InWant", "true")
    bare = await check_out(bench, 2, url=infra.url, ref=commit)
    assert bare.outputs["commit"] == commit
    assert "request" in tree(bench)


async def test_a_ref_that_does_not_exist(bench: StepBench, infra: Repository) -> None:
    infra.git("tag", "v9.8")
    reason = await refusal(bench, url=infra.url, ref="v9.9")
    said = f"there is no branch, tag or commit v9.9 in {infra.url} (near: v9.8)"
    assert reason == f"{SOURCE}.ref: {said}"
    assert said in bench.log()


@pytest.mark.parametrize("ref", ["0" * 40, "abcdef0"])
async def test_a_commit_that_does_not_exist(bench: StepBench, infra: Repository, ref: str) -> None:
    reason = await refusal(bench, url=infra.url, ref=ref)
    assert reason == f"{SOURCE}.ref: there is no branch, tag or commit {ref} in {infra.url}"


async def test_a_branch_and_a_tag_of_one_name(bench: StepBench, infra: Repository) -> None:
    infra.git("branch", "v1.2.3")
    reason = await refusal(bench, url=infra.url, ref="v1.2.3")
    assert 'write "refs/tags/v1.2.3" or "refs/heads/v1.2.3"' in reason
    named = await check_out(bench, 2, url=infra.url, ref="refs/heads/v1.2.3")
    assert named.outputs["commit"] == infra.head


async def test_an_empty_repository(bench: StepBench, tmp_path: Path) -> None:
    empty = Repository(tmp_path / "empty")
    assert (await refusal(bench, url=empty.url)).endswith(": it has no commits yet")
    assert "(it has no commits yet)" in await refusal(bench, 2, url=empty.url, ref="main")


async def test_a_ref_that_became_an_option(bench: StepBench, infra: Repository) -> None:
    with pytest.raises(ValueError, match="can't be the name of a branch"):
        GitConfig(url=infra.url, ref="--upload-pack=touch x")
    hidden = step_of(bench, url=infra.url, ref="--output=${x")
    with pytest.raises(AdapterError, match=f"^{SOURCE}.ref: "):
        await ADAPTER.apply(hidden)


# --- the remote moves -----------------------------------------------------------------------


async def test_a_branch_that_moved(bench: StepBench, infra: Repository) -> None:
    first = await check_out(bench, url=infra.url, ref="main")
    infra.git("reset", "--quiet", "--hard", "v1.2.3")
    newest = infra.commit({"forced": ""}, "v2")
    second = await check_out(bench, 2, url=infra.url, ref="main")
    assert second.outputs == {"commit": newest, "ref": "refs/heads/main", "describe": "v2"}
    assert first.outputs["commit"] != newest
    assert tree(bench) == ["forced", "main.tf"]


async def test_a_branch_that_became_a_directory(bench: StepBench, infra: Repository) -> None:
    infra.git("branch", "team")
    await check_out(bench, url=infra.url, ref="team")
    infra.git("branch", "--delete", "--force", "team")
    infra.git("branch", "team/x")
    assert (await check_out(bench, 2, url=infra.url, ref="team/x")).exit == 0
    assert (
        "no branch, tag or commit team "
        in (await check_out(bench, 3, url=infra.url, ref="team")).reason
    )


async def test_nothing_is_fetched_where_nothing_is_new(bench: StepBench, infra: Repository) -> None:
    for attempt in (1, 2):
        await check_out(bench, attempt, url=infra.url)
    assert [bench.log(attempt).count("fetching") for attempt in (1, 2)] == [1, 0]


# --- the work tree --------------------------------------------------------------------------


async def test_a_directory_that_is_not_empty(bench: StepBench, infra: Repository) -> None:
    step = step_of(bench, url=infra.url)
    (step.workdir / "precious").touch()
    result = await ADAPTER.apply(step)
    assert "is not empty" in result.reason
    assert tree(bench) == ["precious"]


async def test_an_own_repository_of_somebody_stays(bench: StepBench, infra: Repository) -> None:
    step = step_of(bench, url=infra.url)
    git("init", "--quiet", ".", cwd=step.workdir)
    assert "is not empty" in (await ADAPTER.apply(step)).reason


async def test_the_directory_for_steps(bench: StepBench, infra: Repository) -> None:
    assert (await check_out(bench, url=infra.url, directory="sub/dir")).exit == 0
    reason = (await check_out(bench, 2, url=infra.url, directory="sub/dri")).reason
    assert reason == f'{SOURCE}.directory: there is no directory "sub/dri" in the commit'


async def test_a_directory_that_leads_out(bench: StepBench, infra: Repository) -> None:
    (infra.path / "out").symlink_to("/usr")
    infra.commit({})
    assert "by a symbolic link" in await refusal(bench, url=infra.url, directory="out")


async def test_links_that_lead_out_stay_links(bench: StepBench, infra: Repository) -> None:
    (infra.path / "out").symlink_to("/usr")
    infra.commit({})
    await check_out(bench, url=infra.url)
    assert (bench.paths().workdir / "out").readlink() == Path("/usr")


# --- the mirror -----------------------------------------------------------------------------


def the_mirror(bench: StepBench) -> Path:
    [mirror] = bench.paths().shared.glob("*.git")
    return mirror


async def test_work_trees_outlive_the_mirror(bench: StepBench, infra: Repository) -> None:
    await check_out(bench, url=infra.url)
    shutil.rmtree(bench.paths().shared)
    assert git("fsck", cwd=bench.paths().workdir) == ""
    assert (await check_out(bench, 2, url=infra.url, ref="v1.2.3")).exit == 0


def truncate_objects(mirror: Path) -> None:
    for file in (mirror / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            content = file.read_bytes()
            file.unlink()  # work trees have the same file
            file.write_bytes(content[: len(content) // 2])


def lose_objects(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")
    (mirror / "objects").mkdir()


def lose_head(mirror: Path) -> None:
    (mirror / "HEAD").unlink()


def lose_blobs(mirror: Path) -> None:
    for line in git("rev-list", "--objects", "--all", cwd=mirror).splitlines():
        id, _, path = line.partition(" ")
        if path:
            (mirror / "objects" / id[:2] / id[2:]).unlink(missing_ok=True)


def spoil_refs(mirror: Path) -> None:
    file = mirror / "refs" / "heads" / "main"
    file.parent.mkdir(exist_ok=True)
    file.write_text("nonsense")


@pytest.mark.parametrize(
    "spoil", [truncate_objects, lose_objects, lose_head, lose_blobs, spoil_refs]
)
async def test_a_damaged_mirror_is_made_anew(
    bench: StepBench, infra: Repository, spoil: Callable[[Path], None]
) -> None:
    await check_out(bench, url=infra.url)
    spoil(the_mirror(bench))
    result = await check_out(bench, 2, url=infra.url, ref="v1.2.3")
    assert result.exit == 0, bench.log(2)
    assert git("fsck", cwd=bench.paths().workdir) == ""
    if spoil not in (spoil_refs, lose_objects):  # a fetch makes these good
        assert "is damaged and is made anew" in bench.log(2)
        [warning] = bench.journal.warnings
        assert warning.startswith(f"the mirror of {infra.url} was damaged and made anew: ")


async def test_locks_of_a_killed_git(bench: StepBench, infra: Repository) -> None:
    await check_out(bench, url=infra.url)
    mirror = the_mirror(bench)
    for name in ("packed-refs.lock", "HEAD.lock", "refs/heads/main.lock"):
        (mirror / name).parent.mkdir(exist_ok=True)
        (mirror / name).touch()
    newest = infra.commit({"new": ""})
    result = await check_out(bench, 2, url=infra.url)
    assert (result.outputs["commit"], bench.journal.warnings) == (newest, [])


async def test_two_refs_at_once(tmp_path: Path, infra: Repository) -> None:
    """Two jobs of one environment, which share the mirror."""
    seen: dict[str, str] = {}

    async def one(ref: str) -> None:
        async with open_step_bench(tmp_path / ref) as bench:
            (tmp_path / ref / "shared").symlink_to(shared)
            await check_out(bench, url=infra.url, ref=ref)
            seen[ref] = (bench.paths().workdir / "main.tf").read_text()

    shared = tmp_path / "shared"
    shared.mkdir()
    for ref in ("v1.2.3", "main"):
        (tmp_path / ref).mkdir()
    async with trio.open_nursery() as nursery:
        for ref in ("v1.2.3", "main"):
            nursery.start_soon(one, ref)
    assert seen == {"v1.2.3": "one\n", "main": "two\n"}


async def test_a_checkout_that_was_lost_with_its_host(bench: StepBench, infra: Repository) -> None:
    """It may have begun before the host went down; it begins again, for it changes nothing."""
    step = step_of(bench, url=infra.url)
    lost = ProcessRecord("apply", "checkout", "another boot")
    bench.journal.records["apply", "checkout"] = lost
    result = await ADAPTER.apply(step)
    assert result.outputs["commit"] == infra.head
    assert bench.journal.intents == [("apply", "checkout-2")]


# --- check ----------------------------------------------------------------------------------


async def test_check(bench: StepBench, infra: Repository) -> None:
    assert await ADAPTER.check(step_of(bench, url=infra.url, ref="main")) == []
    [problem] = await ADAPTER.check(step_of(bench, url=infra.url, ref="mian"))
    assert problem.severity is Severity.WARNING
    assert problem.text.startswith("source.ref: there is no branch, tag or commit mian in ")
    [problem] = await ADAPTER.check(step_of(bench, url=f"{infra.url}-gone"))
    assert problem.severity is Severity.ERROR
    assert problem.text.startswith("source.git: ")
    assert "does not appear to be a git repository" in problem.text
    assert not any(bench.paths().workdir.iterdir())
    assert not any(bench.paths().shared.iterdir())


async def test_git_that_is_missing_or_too_old(
    bench: StepBench, infra: Repository, tmp_path: Path
) -> None:
    reason = await refusal(bench, url=infra.url, binary="no-such-git")
    assert reason == f"{SOURCE}.binary: no-such-git was not started: No such file or directory"
    old = tmp_path / "old-git"
    old.write_text("#!/bin/sh\necho git version 2.31.9\n")
    old.chmod(0o700)
    reason = await refusal(bench, 2, url=infra.url, binary=str(old))
    assert reason == f"{SOURCE}.binary: git version 2.31.9: 2.32 or newer is needed"
    assert await ADAPTER.check(step_of(bench, url=infra.url, binary=str(old))) == [
        Problem("", "source.binary: git version 2.31.9: 2.32 or newer is needed")
    ]
