"""Repositories and environments that want to run something: nothing of theirs runs."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.builtin.git_bench import SOURCE, check_out, tree
from tests.builtin.git_repositories import Repository, git, server
from tests.engine.step_bench import StepBench, open_step_bench

pytestmark = pytest.mark.slow


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path / "bench") as bench:
        yield bench


class Hostile:
    """A repository, and a program that leaves a trace if it is ever run."""

    def __init__(self, root: Path) -> None:
        self.ran = root / "ran"
        self.program = root / "program"
        self.program.write_text(f"#!/bin/sh\ntouch '{self.ran}'\n")
        self.program.chmod(0o755)
        self.repository = Repository(root / "served" / "infra")
        self.repository.commit({"main.tf": ""})

    def add_submodule(self, url: str, path: str = "lib", name: str = "lib", more: str = "") -> None:
        """Record a submodule, as no git would."""
        self.repository.commit(
            {".gitmodules": f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n{more}'}
        )
        entry = f"160000,{self.repository.head},lib"
        self.repository.git("update-index", "--add", "--cacheinfo", entry)
        self.repository.git("commit", "--quiet", "--message=x")


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Hostile]:
    made = Hostile(tmp_path)
    yield made
    assert not made.ran.exists()


def test_the_program_would_leave_a_trace(tmp_path: Path) -> None:
    """Else none of these tests could fail."""
    hostile = Hostile(tmp_path)
    env = {**os.environ, "GIT_ALLOW_PROTOCOL": "ext"}
    os.spawnvpe(os.P_WAIT, "git", ["git", "ls-remote", f"ext::{hostile.program}"], env)
    assert hostile.ran.exists()


@pytest.mark.parametrize("scheme", ["ext::", "fd::"])
async def test_a_submodule_that_names_a_program(
    bench: StepBench, hostile: Hostile, scheme: str
) -> None:
    hostile.add_submodule(f"{scheme}{hostile.program}")
    result = await check_out(bench, url=hostile.repository.url)
    assert result.reason.startswith(f"{SOURCE}.submodules: submodules: ")
    assert f"transport '{scheme[:-2]}' not allowed" in result.reason


async def test_a_submodule_whose_url_is_an_option(bench: StepBench, hostile: Hostile) -> None:
    hostile.add_submodule(f"--upload-pack={hostile.program}")
    assert "submodules" in (await check_out(bench, url=hostile.repository.url)).reason


async def test_a_submodule_that_names_a_command(
    bench: StepBench, hostile: Hostile, tmp_path: Path
) -> None:
    """A submodule that names a command to update it."""
    lib = Repository(tmp_path / "lib")
    lib.commit({"lib.tf": ""})
    hostile.add_submodule(lib.url, more=f"\tupdate = !{hostile.program}\n")
    result = await check_out(bench, url=hostile.repository.url)
    assert "update" in result.reason or "upload-pack: not our ref" in result.reason


async def test_a_local_submodule_of_a_remote(
    bench: StepBench, hostile: Hostile, tmp_path: Path
) -> None:
    """A submodule on this host, below a remote one."""
    lib = Repository(tmp_path / "private")
    lib.commit({"secret": ""})
    for path in (str(lib.path), lib.url):
        hostile.add_submodule(path)
        with server("git_daemon_server.py", str(tmp_path / "served")) as port:
            result = await check_out(bench, url=f"git://127.0.0.1:{port}/infra")
        assert "transport 'file' not allowed" in result.reason
        assert tree(bench) == []


async def test_configuration_of_the_user(
    bench: StepBench, hostile: Hostile, tmp_path: Path
) -> None:
    """Filters, hooks, templates and helpers that the repository's attributes could call."""
    home = tmp_path / "home"
    template = home / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "post-checkout").symlink_to(hostile.program)
    (home / ".gitconfig").write_text(
        f"[init]\n\ttemplateDir = {template.parent}\n[core]\n\tfsmonitor = {hostile.program}\n"
        f"\thooksPath = {template}\n\tattributesFile = {home}/attributes\n"
        f'[filter "evil"]\n\tsmudge = {hostile.program}\n\tprocess = {hostile.program}\n'
    )
    (home / "attributes").write_text("* filter=evil\n")
    bench.env["HOME"] = str(home)
    hostile.repository.commit({".gitattributes": "* filter=evil\n*.tf filter=lfs\n"})
    result = await check_out(bench, url=hostile.repository.url)
    assert result.exit == 0
    assert tree(bench) == [".gitattributes", "main.tf"]
    assert not (bench.paths().workdir / ".git" / "hooks").exists()


async def test_variables_of_the_step(bench: StepBench, hostile: Hostile, tmp_path: Path) -> None:
    program = str(hostile.program)
    bench.env |= {
        "GIT_EXTERNAL_DIFF": program,
        "GIT_PROXY_COMMAND": program,
        "GIT_SSH": program,
        "GIT_EXEC_PATH": str(tmp_path),
        "GIT_DIR": str(tmp_path),
        "GIT_TEMPLATE_DIR": str(tmp_path),
        "LD_PRELOAD": program,
        "PYTHONSTARTUP": program,
        "PYTHONPATH": str(tmp_path),
    }
    (tmp_path / "json.py").write_text("raise SystemExit('json of somebody else')")
    assert (await check_out(bench, url=hostile.repository.url)).exit == 0


async def test_submodules(bench: StepBench, tmp_path: Path) -> None:
    """At their recorded commits, nested ones too; and none where they are not wanted."""
    inner, lib, infra = (Repository(tmp_path / name) for name in ("inner", "lib", "infra"))
    inner.commit({"inner.tf": ""})
    lib.commit({"lib.tf": "recorded\n"})
    lib.git("submodule", "add", "--quiet", "../inner", "inner")
    recorded = lib.commit({})
    infra.commit({"main.tf": ""})
    infra.git("submodule", "add", "--quiet", "../lib", "modules/lib")
    infra.commit({})
    lib.commit({"lib.tf": "newer\n"})
    result = await check_out(bench, url=infra.url)
    assert result.exit == 0, result
    work = bench.paths().workdir
    assert git("rev-parse", "HEAD", cwd=work / "modules/lib") == recorded
    assert git("submodule", "status", "--recursive", cwd=work).count("\n") == 1
    assert "modules/lib/inner/inner.tf" in tree(bench)
    assert (await check_out(bench, 2, url=infra.url, submodules=False)).exit == 0
    assert tree(bench) == [".gitmodules", "main.tf"]
