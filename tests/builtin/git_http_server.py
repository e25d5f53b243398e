"""Files over http, which is enough for git (`git update-server-info`): DIRECTORY [REALM]

With a realm every request is refused with 401. Prints its port.
"""

import functools
import http.server
import sys


class Refusing(http.server.SimpleHTTPRequestHandler):
    """Asks everybody for a password."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()


if __name__ == "__main__":
    handler = Refusing if sys.argv[2:] else http.server.SimpleHTTPRequestHandler
    serving = functools.partial(handler, directory=sys.argv[1])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serving) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
