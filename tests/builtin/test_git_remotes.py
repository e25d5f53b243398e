"""The `git` adapter against servers on loopback, and against hosts that do not answer."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.plugin import Secret
from tests import needs
from tests.builtin.git_bench import ADAPTER, SOURCE, check_out, refusal, step_of, tree
from tests.builtin.git_repositories import Repository, server
from tests.engine.step_bench import STOP, StepBench, open_step_bench

pytestmark = pytest.mark.slow
SCHEMES = pytest.mark.parametrize("scheme", ["git", "http", pytest.param("ssh", marks=needs.SSH)])


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path / "bench") as bench:
        yield bench


@pytest.fixture
def infra(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "served" / "infra")
    repository.commit({"main.tf": "one\n"}, "v1.2.3")
    return repository


async def test_git_daemon(bench: StepBench, infra: Repository, tmp_path: Path) -> None:
    with server("git_daemon_server.py", str(tmp_path / "served")) as port:
        url = f"git://127.0.0.1:{port}/infra"
        result = await check_out(bench, url=url, ref="v1.2.3")
        assert (result.outputs["commit"], tree(bench)) == (infra.head, ["main.tf"])
        reason = (await check_out(bench, 2, url=f"{url}-gone", ref="v1.2.3")).reason
    assert reason.startswith(f"{SOURCE}.git: {url}-gone: ")
    assert "access denied or repository not exported: /infra-gone" in reason


async def test_http(bench: StepBench, infra: Repository, tmp_path: Path) -> None:
    infra.git("update-server-info")
    with server("git_http_server.py", str(tmp_path / "served")) as port:
        url = f"http://127.0.0.1:{port}/infra/.git"
        result = await check_out(bench, url=url, ref="v1.2.3")
    assert (result.outputs["commit"], tree(bench)) == (infra.head, ["main.tf"])


async def test_http_that_asks_for_a_password(bench: StepBench, tmp_path: Path) -> None:
    with server("git_http_server.py", str(tmp_path), "realm") as port:
        reason = await refusal(bench, url=f"http://127.0.0.1:{port}/infra")
    assert "Authentication failed" in reason


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port: int = closed.getsockname()[1]
    return port


@SCHEMES
async def test_a_host_that_refuses(bench: StepBench, scheme: str, closed_port: int) -> None:
    url = f"{scheme}://127.0.0.1:{closed_port}/infra"
    reason = await refusal(bench, url=url)
    assert reason.startswith(f"{SOURCE}.git: {url}: ")
    assert "refused" in reason or "Failed to connect" in reason
    assert "correct access rights" not in reason


@SCHEMES
async def test_stopped_while_a_host_does_not_answer(bench: StepBench, scheme: str) -> None:
    """What a timeout does as well; then nothing is left, and the next one works."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/infra"
        step = step_of(bench, url=url, ssh_key=Secret.of("deploy-key", "x"))
        async with trio.open_nursery() as nursery:
            results = []

            async def apply() -> None:
                results.append(await ADAPTER.apply(step))
                silent.shutdown(socket.SHUT_RDWR)  # nobody calls any more

            nursery.start_soon(apply)
            connection, _ = await trio.to_thread.run_sync(silent.accept)
            bench.journal.stop = STOP
            await ADAPTER.cancel(step.in_phase("cancel"))
        connection.close()
    assert results[0].exit == 143
    assert (await ADAPTER.cleanup(step.in_phase("cleanup"))).clean
    assert step.is_dead()
    assert not any(bench.paths().workdir.iterdir())
    assert not [path for path in step.scratch.iterdir() if path.name in ("key", "checkout-tree")]
