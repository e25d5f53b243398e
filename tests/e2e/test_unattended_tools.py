"""A tool outlives its daemon, and the next one can't enter its step: nothing runs beside it."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.e2e_bench import WAITS, Installation, one_step, until

pytestmark = pytest.mark.slow

TELLS = f"""
def tell(word): open(sys.argv[2], 'a').write(word + os.environ['ORCHESTRATOR_JOB_ID'] + '\\n')
tell('begin ')
{WAITS}
tell('end ')
"""


def test_no_job_starts_beside_it(installation: Installation, tmp_path: Path) -> None:
    """The source that its step runs in is gone for a while."""
    source, gate, told = tmp_path / "source", tmp_path / "gate", tmp_path / "told"
    source.mkdir()
    top = f'[source]\npath = "{source}"'
    web = one_step(TELLS, gate, told, top=top)
    installation.write({"environments/staging.toml": "", "pipelines/web.toml": web})
    installation.start()
    first = installation.submit("web", "staging")
    pid = installation.at_work(first)
    until("its tool works", lambda: told.exists() and told.read_text())
    installation.kill()
    shutil.move(source, tmp_path / "elsewhere")
    installation.start()

    def waits_for() -> str:
        return installation.job(first)["steps"][0]["waiting_for"] or ""

    until("the step says what it waits for", waits_for, patience=20)
    assert waits_for().startswith("can't be entered: ")
    assert waits_for().endswith(f"; its process {pid} is at work")
    shutil.move(tmp_path / "elsewhere", source)
    second = installation.submit("web", "staging")
    refused = installation.run("waive", "staging", "--reason", "it looks clean")
    assert refused.returncode != 0
    assert installation.job(second)["phase"] == "queued"
    assert installation.tools() == [pid]
    gate.touch()
    assert installation.finished(first)["dirty"]
    assert installation.job(second)["phase"] == "queued"
    installation.says("recheck", "staging")
    installation.finished(second)
    order = told.read_text().splitlines()
    assert order == [f"begin {first}", f"end {first}", f"begin {second}", f"end {second}"]
