"""Secrets are hidden in what is told of an attempt, and at its end in what it wrote."""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.model import Finding
from orchestrator.engine.secrets.masking import MaskingStream, Masks
from orchestrator.process.threads import in_thread

_CHUNK = 1 << 20


async def mask_attempt(directory: Path, masks: Masks) -> None:
    """Mask the log and the outputs of processes that lie apart. May be repeated.

    Raises:
        OSError: the disk is full; nothing is lost, and what was not masked is as it was.
    """
    if not masks:
        return
    for path in (directory / "log", *sorted((directory / "processes").glob("*.stdout"))):
        if path.is_file() and (path.stat().st_size > _CHUNK or _holds_secret(path, masks)):
            await in_thread(mask_file, path, masks)


def _holds_secret(path: Path, masks: Masks) -> bool:
    """Whether a small file holds one: looked at without the detour of a thread."""
    raw = path.read_bytes()
    return masks.hide(raw) != raw


def mask_file(path: Path, masks: Masks) -> None:
    """Replace a file by itself with every secret hidden, or leave it where it holds none.

    Offsets stay, and so do holes and the time of the last output.
    """
    draft = path.with_name(f"{path.name}.masked")
    raw = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    shown = os.open(draft, flags, 0o600)
    try:
        if _copy(raw, shown, masks):
            found = os.fstat(raw)
            os.truncate(shown, found.st_size)
            os.utime(shown, ns=(found.st_atime_ns, found.st_mtime_ns))
            os.fsync(shown)
            draft.rename(path)
    finally:
        os.close(raw)
        os.close(shown)
        draft.unlink(missing_ok=True)


def _copy(raw: int, shown: int, masks: Masks) -> bool:
    """Copy what is data, masked. Whether anything was hidden."""
    hidden = False
    for begin, end in _data(raw):
        stream, at = MaskingStream(masks), begin
        for offset in range(begin, end, _CHUNK):
            piece = os.pread(raw, min(_CHUNK, end - offset), offset)
            at = _write(shown, stream.feed(piece), at)
        at = _write(shown, stream.close(), at)
        hidden = hidden or stream.hid
    return hidden


def _write(descriptor: int, content: bytes, at: int) -> int:
    """Write all of it there; where it ends."""
    while content:
        written = os.pwrite(descriptor, content, at)
        content, at = content[written:], at + written
    return at


def _data(descriptor: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that are not in a hole."""
    size = os.fstat(descriptor).st_size
    end = 0
    while end < size:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
            end = min(size, os.lseek(descriptor, begin, os.SEEK_HOLE))
        except OSError:
            return  # a hole reaches to the end
        yield begin, end


def shown(observation: cmd.Command, masks: Masks) -> cmd.Command:
    """The observation with `***` for each secret, whatever an adapter put it into."""
    if not masks:
        return observation
    match observation:
        case cmd.AttemptFailed(reason=reason):
            return replace(observation, reason=masks.text(reason))
        case cmd.ApplyDone():
            return replace(
                observation,
                reason=masks.text(observation.reason),
                summary=masks.text(observation.summary),
                statuses=tuple(masks.text(status) for status in observation.statuses),
                outputs=masks.value(observation.outputs),
            )
        case cmd.CleanupDone(finding=Finding() as finding):
            return replace(observation, finding=shown_finding(finding, masks))
        case cmd.AttemptAbandoned(finding=finding) | cmd.RecheckDone(finding=Finding() as finding):
            return replace(observation, finding=shown_finding(finding, masks))
        case _:
            return observation


def shown_finding(finding: Finding, masks: Masks) -> Finding:
    """The finding with `***` for each secret."""
    commands = tuple(masks.text(command) for command in finding.commands)
    return Finding(finding.ref, masks.text(finding.found), commands)
