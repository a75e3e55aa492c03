"""A portal that answers what a test wrote down: for losses and delays a real one does not have at will."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 closes the connection without one."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ScriptedPortal:
    """Gives its answers in order, the last one over and over; keeps what it was asked."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    url: str = ""

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def problem(status: int, kind: str, **headers: str) -> Answer:
    document = {
        "type": f"urn:ecsportal:problem:{kind}",
        "title": "No",
        "status": status,
        "detail": f"This is {kind}.",
        "request_id": "r-1",
        "errors": [{"field": "confirm", "code": "mismatch", "message": "Type it exactly."}],
    }
    return Answer(status, document, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def running() -> Iterator[ScriptedPortal]:
    portal = ScriptedPortal()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            portal.asked.append(
                (self.command, self.path, dict(self.headers), json.loads(raw) if raw else None)
            )
            answer = portal.next()
            if answer.status == 0:
                self.close_connection = True
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_POST = do_DELETE = do_PATCH = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    portal.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield portal
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
