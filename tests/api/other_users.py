"""Clients that are processes of other users."""

import json
import sys
from pathlib import Path

import trio

CLIENT = """
import os, socket, sys
path, uid, gid, groups, request = sys.argv[1:]
os.chdir(os.path.dirname(path))
os.setgroups([int(group) for group in groups.split(",") if group])
os.setresgid(int(gid), int(gid), int(gid))
os.setresuid(int(uid), int(uid), int(uid))
client = socket.socket(socket.AF_UNIX)
client.connect(os.path.basename(path))
client.sendall(request.encode())
while piece := client.recv(65536):
    sys.stdout.buffer.write(piece)
"""
STRANGER = 54321
"""A uid that nobody has."""


async def ask_as(
    path: Path, request: str, uid: int, gid: int = STRANGER, groups: tuple[int, ...] = ()
) -> tuple[int, dict[str, object]]:
    """The status and the document that a process of this user gets."""
    text = f"{request} HTTP/1.1\r\nhost: d\r\nconnection: close\r\n"
    text += "x-user: root\r\nx-remote-user: root\r\nauthorization: Basic cm9vdDo=\r\n\r\n"
    listed = ",".join(str(group) for group in groups)
    command = [sys.executable, "-S", "-c", CLIENT, str(path), str(uid), str(gid), listed, text]
    done = await trio.run_process(command, capture_stdout=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def open_to_all(path: Path) -> None:
    """Let every user who stands in this directory reach the socket in it.

    The directories above stay closed: every session of pytest closes them again when it starts, and
    one may start at any moment.
    """
    path.chmod(path.stat().st_mode | 0o011)
