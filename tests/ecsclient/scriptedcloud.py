"""A local HTTP server that answers from a script and keeps what it was asked."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from ecsclient.auth import AkSk
from ecsclient.session import CloudSession
from tests.ecsclient.documents import EXAMPLES

PROJECT = "0123456789abcdef0123456789abcdef"
KEY = AkSk("AKEXAMPLE0000000000A", "SKexample0000000000000000000000000000000")
SERVICES = ("iam", "ecs", "evs", "ims", "kms", "cts")


@dataclass(frozen=True)
class Reply:
    status: int = 200
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def body(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.payload).encode()


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class ScriptedCloud:
    """`on(path, reply, ...)` queues the answers for a path; the last one stays."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._replies: dict[str, list[Reply]] = defaultdict(list)
        self._lock = threading.Lock()
        self.base = ""
        #: Seconds each answer is held back.
        self.hold = 0.0

    def on(self, path: str, *replies: Reply) -> None:
        self._replies[path].extend(replies)

    def example(self, name: str, path: str | None = None) -> None:
        """Answer with a published example, at its own path."""
        example = EXAMPLES[name]
        headers = {k: v for k, v in example.headers.items() if k != "Content-Type"}
        self.on(path or example.path, Reply(example.status, example.payload, headers))

    def reply_to(self, asked: Asked) -> Reply:
        time.sleep(self.hold)
        with self._lock:
            self.asked.append(asked)
            queue = self._replies.get(asked.path)
            if not queue:
                return Reply(418, {"error": {"code": "Test.0001", "message": f"no reply for {asked.path}"}})
            return queue.pop(0) if len(queue) > 1 else queue[0]

    def session(self, **more: Any) -> CloudSession:
        given = {
            "endpoints": dict.fromkeys(SERVICES, self.base),
            "project_id": PROJECT,
            "credentials": KEY,
            "timeout": (2, 2),
        }
        return CloudSession(**{**given, **more})

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud: ScriptedCloud

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(self.command, parts.path, query, dict(self.headers.items()), body)
        reply = self.cloud.reply_to(asked)
        self.send_response(reply.status)
        for name, value in ({"Content-Type": "application/json"} | reply.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


Cloud = TypeVar("Cloud", bound=ScriptedCloud)


@contextmanager
def running(cloud: Cloud) -> Iterator[Cloud]:
    """The cloud, listening, until the end of the block."""
    handler = type("Handler", (_Handler,), {"cloud": cloud})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        cloud.base = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield cloud
        finally:
            server.shutdown()
            thread.join(5)
