"""What to type where ssh refuses a host whose key is not known."""

import base64
import hashlib
import re
import subprocess

_UNKNOWN = re.compile(
    r"No ([A-Z0-9-]+) host key is known for (?:\[([\w.:-]+)\]:(\d+)|([\w.:-]+)) and"
)
_CHANGED = re.compile(r"Offending .* key in (.+:\d+)")
_TYPES = {"ED25519": "ed25519", "ECDSA": "ecdsa", "RSA": "rsa"}
_SECONDS = 10


def explained(lines: tuple[str, ...], known_hosts: str) -> str | None:
    """A sentence in place of ssh's, None where it is about something else."""
    file = known_hosts or "~/.ssh/known_hosts of the daemon's user, or /etc/ssh/ssh_known_hosts"
    for line in lines:
        if found := _UNKNOWN.search(line):
            host, port = found[2] or found[4], found[3] or "22"
            return _unknown(found[1], host, port, file)
    if any("IDENTIFICATION HAS CHANGED" in line for line in lines):
        places = [found[1] for line in lines if (found := _CHANGED.search(line))]
        where = places[0].strip() if places else file
        return (
            f"the host shows another key than the one in {where}. Somebody may stand between; if "
            "whoever runs the host says that the key is new, replace that line"
        )
    return None


def _unknown(kind: str, host: str, port: str, file: str) -> str:
    shown = host if port == "22" else f"[{host}]:{port}"
    scan = ["ssh-keyscan", "-T", str(_SECONDS), "-p", port, "-t", _TYPES.get(kind, "ed25519")]
    text = f"the host key of {shown} is not known"
    line = _scanned([*scan, "--", host])
    if line is None:
        typed = f"ssh-keyscan -p {port} {host}"
        return f"{text}: compare what `{typed}` prints with its administrator, add it to {file}"
    return f"{text}; once its administrator confirms {_fingerprint(line)}, add to {file}: {line}"


def _scanned(argv: list[str]) -> str | None:
    """The line of known_hosts that the host gives for itself."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * _SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.decode("ascii", "replace").splitlines()
    keys = [line for line in lines if len(line.split()) == 3 and not line.startswith("#")]
    return keys[0] if keys and keys[0].isprintable() else None


def _fingerprint(line: str) -> str:
    blob = base64.b64decode(line.split()[2])
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"
