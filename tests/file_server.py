"""A server of files over HTTP on this machine, which can be told to misbehave."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Serves what is in `files`.

    Attributes:
        files: content by name.
        ranges: whether it gives parts of files.
        trouble: called with method, name and first byte of a request; gives a status to answer with, "cut" to end the
            connection amid the answer, or None.
        requests: (method, name, first byte) of all requests so far.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.ranges, self.trouble, self.requests = {}, True, lambda *_: None, []
        self.headers = {}

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(with_content=False)

    def do_GET(self):
        self._answer(with_content=True)

    def _answer(self, with_content):
        name = self.path.lstrip("/")
        asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        self.server.requests.append((self.command, name, first))
        content = self.server.files.get(name)
        trouble = self.server.trouble(self.command, name, first)
        if content is None or isinstance(trouble, int):
            self._send(404 if content is None else trouble, b"", {}, with_content)
            return
        part, status, headers = content, 200, dict(self.server.headers)
        if asked and self.server.ranges:
            last = min(int(asked[2] or len(content)), len(content) - 1)
            part, status = content[first : last + 1], 206
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self._send(status, part, headers, with_content, cut=trouble == "cut")

    def _send(self, status, content, headers, with_content, cut=False):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_content:
            self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.close_connection = True


@contextmanager
def serving(**files):
    """A running server."""
    server = FileServer()
    server.files.update(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
