"""A small HTTP client that trusts nothing of the simulator: http.client, JSON, a token."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from simulator.records import Server
from simulator.server import RunningSimulator


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code, in whichever of the shapes it came."""
        error = self.json.get("error", self.json)
        return str(error.get("code") or error.get("error_code"))


class Client:
    """Speaks as one user of one project, with a token."""

    def __init__(
        self, sim: RunningSimulator, project: str = "shop-prod", user: str = "svc-reinstall"
    ) -> None:
        self.sim = sim
        self.token: str | None = None
        data = sim.cloud_json(project, "password", user)
        self.project_id = data["project_id"]
        login = data["credentials"]
        self.login: dict[str, Any] = {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": login["user"],
                        "password": login["password"],
                        "domain": {"name": login["domain"]},
                    }
                },
            },
            "scope": {"project": {"id": self.project_id}},
        }
        reply = self.call("POST", "/v3/auth/tokens", {"auth": self.login})
        assert reply.status == 201, reply.body
        self.token = reply.headers["x-subject-token"]
        self.user_id = reply.json["token"]["user"]["id"]

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """`{p}` in the path stands for the project; a body of bytes goes out as it is."""
        connection = http.client.HTTPConnection(self.sim.host, self.sim.port, timeout=10)
        try:
            raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            sent = {"Content-Type": "application/json", **(headers or {})}
            if self.token:
                sent.setdefault("X-Auth-Token", self.token)
            connection.request(method, path.replace("{p}", self.project_id), raw, sent)
            answer = connection.getresponse()
            got = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, got, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **query: str) -> Reply:
        text = "&".join(f"{name.replace('_', '-')}={quote(value)}" for name, value in query.items())
        return self.call("GET", f"{path}?{text}" if text else path)

    def reinstall(self, server_id: str, fields: object, version: str = "v2") -> Reply:
        path = f"/{version}/{{p}}/cloudservers/{server_id}/reinstallos"
        return self.call("POST", path, fields if isinstance(fields, bytes) else {"os-reinstall": fields})

    def key(self, **more: object) -> dict[str, object]:
        """The login part of a good body."""
        return {"keyname": "KeyPair-350b", "userid": self.user_id, **more}

    def server(self, server_id: str) -> dict[str, Any]:
        reply = self.call("GET", f"/v1/{{p}}/cloudservers/{server_id}")
        assert reply.status == 200, reply.body
        found: dict[str, Any] = reply.json["server"]
        return found

    def job(self, job_id: str) -> Reply:
        return self.call("GET", f"/v1/{{p}}/jobs/{job_id}")


def named(sim: RunningSimulator, name: str) -> Server:
    """The server of that name, as the world has it."""
    with sim.lock:
        return next(s for s in sim.world.servers.values() if s.name == name)


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
