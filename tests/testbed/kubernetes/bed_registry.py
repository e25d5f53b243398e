"""An OCI registry on loopback, for one test. What is pushed is in memory."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Registry:
    """One that runs."""

    host: str
    """With its port."""
    authority: Path | None
    """The PEM file of who vouches for it; None: it speaks plain HTTP."""


@contextmanager
def registry(
    program: Path, directory: Path, *, login: str = "", tls: bool = False
) -> Iterator[Registry]:
    """Start it and end it. `login` is `name:password`, of all who may do anything."""
    argv = [str(program), f"--login={login}"]
    authority = None
    if tls:
        authority = directory / "registry-ca.pem"
        argv += _certify(directory, authority)
    # It ends when its standard input does: with this process, however that ends.
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Registry(f"127.0.0.1:{process.stdout.readline().strip()}", authority)
        process.stdin.close()


def _certify(directory: Path, authority: Path) -> list[str]:
    issuer = trustme.CA()
    issuer.cert_pem.write_to_path(str(authority))
    issued = issuer.issue_cert("127.0.0.1")
    certificate, key = directory / "registry.pem", directory / "registry.key"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    return [f"--certificate={certificate}", f"--key={key}"]
