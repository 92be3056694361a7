"""The HTTP server of the embedded AWS, each connection in a thread.

Connections stay open from one request to the next, as AWS's do; werkzeug's own handler closes each of them,
and waits for what a client might still send.
"""

import io
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


def serve(application: "WSGIApplication") -> BaseWSGIServer:
    """Serve an application on a loopback port until the server is shut down."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


class _Handler(MotoRequestHandler):
    """Reads a request whole, answers it in one piece, and says nothing of it on stderr."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_expect_100(self) -> bool:
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        length = int(self.headers.get("Content-Length", 0))
        is_chunked = "wsgi.input_terminated" in environ
        body = environ["wsgi.input"].read() if is_chunked else self.rfile.read(length)
        if not is_chunked and len(body) < length:  # the connection was cut
            self.close_connection = True
            return
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        self._send(Response.from_app(self.server.app, environ, buffered=True))

    def _send(self, response: Response) -> None:
        content = response.get_data()
        self.send_response(response.status_code)
        for name, value in response.headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        is_head = self.command == "HEAD"  # its answer has the length of what it does not send
        length = response.headers.get("Content-Length", "0") if is_head else str(len(content))
        if response.status_code not in _WITHOUT_BODY:
            self.send_header("Content-Length", length)
        self.end_headers()
        if not is_head:
            self.wfile.write(content)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        pass
