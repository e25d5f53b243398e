"""The socket in the file system."""

import socket
import stat
from pathlib import Path

import pytest

from orchestrator.api.listening import NotASocket, SocketInUse, SocketUnusable, listening


def test_everybody_may_connect(tmp_path: Path) -> None:
    """Everybody may connect, and the path goes with the listener."""
    path = tmp_path / "deep" / "api.sock"
    with listening(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert list(path.parent.iterdir()) == []


def test_a_socket_that_nobody_listens_at_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with listening(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_socket_in_use_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with listening(path):
        with pytest.raises(SocketInUse, match=r"api\.sock"), listening(path):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    path.write_text("mine")
    with pytest.raises(NotASocket, match="no socket"), listening(path):
        pass
    assert path.read_text() == "mine"


def test_a_path_of_another_daemon(tmp_path: Path) -> None:
    """A path that another daemon has taken is left to it."""
    path = tmp_path / "api.sock"
    with listening(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()


def test_a_path_that_is_too_long_is_said(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / "api.sock"
    with pytest.raises(SocketUnusable, match="too long"), listening(deep):
        pass


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SocketUnusable, match=r"api\.sock"),
        listening(tmp_path / "file" / "api.sock"),
    ):
        pass
