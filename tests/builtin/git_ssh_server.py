"""An ssh server that serves git repositories: HOST_KEY AUTHORIZED_KEY

Prints its port. Whoever has the authorized key may run git-upload-pack, as any user name.
"""

import asyncio
import shlex
import sys

import asyncssh


class Server(asyncssh.SSHServer):
    """Takes the keys of the file that it was given."""

    def begin_auth(self, username: str) -> bool:
        return True


async def serve_git(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """`git-upload-pack 'PATH'`, and nothing else."""
    words = shlex.split(process.command or "")
    if len(words) != 2 or words[0] != "git-upload-pack":
        process.stderr.write(b"only git-upload-pack\n")
        process.exit(127)
        return
    child = await asyncio.create_subprocess_exec(
        "git",
        "upload-pack",
        "--",
        words[1],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
    process.exit(await child.wait())


async def main(host_key: str, authorized_keys: str) -> None:
    """Serve until killed."""
    acceptor = await asyncssh.create_server(
        Server,
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=authorized_keys,
        process_factory=serve_git,
        encoding=None,
    )
    print(acceptor.get_port(), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
