"""Stands between a client and the portal, and loses answers the portal has given."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests


@dataclass
class LossyProxy:
    """Loses the next `lose` answers to POSTs; the portal has answered them all."""

    url: str = ""
    lose: int = 0
    lost: list[int] = field(default_factory=list)


@contextmanager
def proxy_to(target: str) -> Iterator[LossyProxy]:
    proxy = LossyProxy()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = requests.request(
                self.command, target + self.path, data=raw, headers=dict(self.headers), timeout=60
            )
            self.close_connection = True
            if self.command == "POST" and proxy.lose:
                proxy.lose -= 1
                proxy.lost.append(answer.status_code)
                return
            self.send_response(answer.status_code)
            for name in set(answer.headers) - {"Transfer-Encoding", "Content-Encoding", "Content-Length"}:
                self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
