"""The `git` adapter over a real ssh: keys from secrets, and hosts that are known or not."""

import re
import stat
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.builtin.git import key_text, ssh_command
from orchestrator.plugin import AdapterError, Secret
from tests import needs
from tests.builtin.git_bench import ADAPTER, SOURCE, check_out, refusal, step_of, tree
from tests.builtin.git_repositories import Repository, git
from tests.builtin.git_ssh_host import SshHost, make_key, serving
from tests.engine.step_bench import StepBench, open_step_bench

pytestmark = pytest.mark.slow


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path / "bench") as bench:
        yield bench


def fingerprint(path: Path) -> str:
    """What ssh says of a public key."""
    told = ["ssh-keygen", "-l", "-f", str(path)]
    return subprocess.run(told, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshHost]:
    needs.demand(needs.SSH)
    with serving(tmp_path / "host") as host:
        yield host


@pytest.mark.parametrize(
    "written",
    [str, str.strip, lambda key: key.replace("\n", "\r\n")],
    ids=["as it is", "stripped", "of another system"],
)
async def test_a_key_from_a_secret(
    bench: StepBench, host: SshHost, written: Callable[[str], str]
) -> None:
    key = Secret.of("deploy-key", written(host.key))
    result = await check_out(bench, **host.settings(ssh_key=key))
    assert result.outputs["commit"] == host.commit
    assert tree(bench) == ["main.tf"]
    secret = host.key.splitlines()[1]
    for file in bench.state_dir.rglob("*"):
        if file.is_file():
            assert secret not in file.read_text(errors="replace"), file


async def test_the_key_is_private_while_it_is_there(bench: StepBench, host: SshHost) -> None:
    """A git that looks at it in the middle."""
    spy = host.root / "git"
    key = bench.paths().scratch / "key"
    spy.write_text(f"#!/bin/sh\nstat -c %a '{key}' >> '{host.root}/modes'\nexec git \"$@\"\n")
    spy.chmod(0o700)
    assert (await check_out(bench, **host.settings(binary=str(spy)))).exit == 0
    assert set((host.root / "modes").read_text().split()) == {"600"}
    assert stat.S_IMODE(bench.paths().scratch.stat().st_mode) == 0o700


async def test_a_submodule_over_ssh(bench: StepBench, host: SshHost) -> None:
    """By the same key, beside its parent (`../lib`)."""
    lib = Repository(host.root / "lib")
    recorded = lib.commit({"lib.tf": ""})
    host.infra.git("submodule", "add", "--quiet", str(lib.path), "lib")
    host.infra.git("config", "--file", ".gitmodules", "submodule.lib.url", "../lib")
    host.infra.commit({}, "v2")
    lib.commit({"newer.tf": ""})
    result = await check_out(bench, **host.settings(ref="v2"))
    assert result.exit == 0, result.reason
    assert git("rev-parse", "HEAD", cwd=bench.paths().workdir / "lib") == recorded
    assert "lib/lib.tf" in tree(bench)


async def test_a_wrong_key(bench: StepBench, host: SshHost) -> None:
    wrong = Secret.of("other", make_key(host.root / "wrong"))
    reason = await refusal(bench, **host.settings(ssh_key=wrong))
    assert reason.startswith(f"{SOURCE}.git: {host.url}: git@127.0.0.1: Permission denied")


async def test_what_is_no_key(bench: StepBench, host: SshHost) -> None:
    reason = await refusal(bench, **host.settings(ssh_key=Secret.of("other", "no key")))
    assert "Load key" in reason
    assert "Permission denied" in reason


async def test_a_host_that_is_not_known(bench: StepBench, host: SshHost) -> None:
    """The message has the line, which is all that is missing."""
    host.known_hosts.write_text("")
    reason = await refusal(bench, **host.settings())
    assert reason.startswith(f"{SOURCE}.git: the host key of [127.0.0.1]:{host.port} is not known")
    found = re.search(r"confirms (SHA256:\S+), add to (.*): (\[.*)$", reason)
    assert found is not None, reason
    assert found[2] == str(host.known_hosts)
    assert found[3] == host.line
    assert found[1] in fingerprint(host.root / "host.pub")
    assert host.known_hosts.read_text() == ""
    host.known_hosts.write_text(f"{found[3]}\n")
    assert (await check_out(bench, 2, **host.settings())).exit == 0


async def test_a_host_with_another_key(bench: StepBench, host: SshHost) -> None:
    other = make_key(host.root / "other")
    assert other
    kind, key, *_ = (host.root / "other.pub").read_text().split()
    host.known_hosts.write_text(f"[127.0.0.1]:{host.port} {kind} {key}\n")
    reason = await refusal(bench, **host.settings())
    assert f"the host shows another key than the one in {host.known_hosts}:1" in reason


async def test_check_over_ssh(bench: StepBench, host: SshHost) -> None:
    step = step_of(bench, **host.settings())
    assert await ADAPTER.check(step) == []
    assert not (step.scratch / "key").exists()


def test_a_path_is_no_option_or_command() -> None:
    """No word of a path is an option or a command."""
    command = ssh_command(Path("/state/a b'; touch x/%h/key"), "/etc/known hosts")
    words = subprocess.run(
        ["sh", "-c", f'set -- {command}; printf "%s\\n" "$@"'], capture_output=True, text=True
    ).stdout.splitlines()
    assert words[0] == "ssh"
    assert '-oIdentityFile="/state/a b\'; touch x/%%h/key"' in words
    assert '-oUserKnownHostsFile="/etc/known hosts"' in words
    assert all(word.startswith("-o") for word in words[1:])
    for path in ('/a"b', "/a$b", "/a\\b", "/a\nb"):
        with pytest.raises(AdapterError, match="ssh can't be given"):
            ssh_command(None, path)


def test_the_text_of_a_key() -> None:
    assert key_text("\r\na\r\nb") == b"a\nb\n"
