"""A web server in the place of a central bank's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Bank:
    """What the server answers, and what it was asked for."""

    def __init__(self) -> None:
        self.url, self.status, self.body = "", 200, b""
        self.asked: list[str] = []


@contextmanager
def serving() -> Iterator[Bank]:
    """A bank that serves at `url` until the end of the block."""
    bank = Bank()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bank.asked.append(self.path)
            self.send_response(bank.status)
            self.send_header("Content-Length", str(len(bank.body)))
            self.end_headers()
            self.wfile.write(bank.body)

        def log_message(self, *_: object) -> None:
            """Nothing: the test says what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    bank.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield bank
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
