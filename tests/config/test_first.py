"""What `orchestrator init` writes."""

from pathlib import Path

import pytest

from orchestrator.builtin import command
from orchestrator.config import read
from orchestrator.config.first import WouldOverwrite, init
from orchestrator.config.paths import Host
from orchestrator.plugin.registry import Registry, load


def test_it_is_right_as_it_is(tmp_path: Path, registry: Registry, host: Host) -> None:
    written = init(tmp_path / "new" / "dir")
    assert {str(path.relative_to(tmp_path / "new" / "dir")) for path in written} == {
        "orchestrator.toml",
        "environments/staging.toml",
        "pipelines/hello.toml",
        "pipelines/hello-cleanup.toml",
    }
    configuration = read(tmp_path / "new" / "dir", registry, host)
    assert configuration.pipelines["hello"].cleanup is not None
    assert configuration.roles is None
    assert configuration.state_dir.startswith("/home/ada/")


def test_it_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    mine = tmp_path / "pipelines" / "hello.toml"
    mine.write_text("mine")
    with pytest.raises(WouldOverwrite, match=r"pipelines/hello\.toml"):
        init(tmp_path)
    assert mine.read_text() == "mine"
    assert not (tmp_path / "orchestrator.toml").exists()


def test_right_with_adapters_that_come_along(tmp_path: Path) -> None:
    """It is right with the adapters that come along."""
    init(tmp_path)
    configuration = read(tmp_path, load([command]))
    announce, deploy = configuration.pipelines["hello"].steps
    assert (announce.touches, deploy.touches) == (False, True)
