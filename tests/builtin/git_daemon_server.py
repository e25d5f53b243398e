"""`git daemon` on a port of the kernel's choice: BASE_DIRECTORY. Prints its port."""

import socketserver
import subprocess
import sys


class Handler(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        base = sys.argv[1]
        argv = ["git", "daemon", "--inetd", "--export-all", f"--base-path={base}", base]
        subprocess.run(argv, stdin=self.request, stdout=self.request, check=False)


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
