"""The state of the simulated cloud and the questions everybody asks of it."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any

from simulator.ids import uuid_of
from simulator.records import (
    Image,
    InstanceAction,
    Job,
    KeyPair,
    KmsKey,
    Project,
    Server,
    Snapshot,
    Token,
    Trace,
    User,
    Volume,
)
from simulator.scenario import Scenario


class Servers(dict[str, Server]):
    """Servers by id; `changes` grows whenever one comes or goes."""

    changes = 0

    def __setitem__(self, key: str, value: Server) -> None:
        self.changes += 1
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.changes += 1
        super().__delitem__(key)

    def pop(self, key: str, *default: Any) -> Any:
        self.changes += 1
        return super().pop(key, *default)

    def clear(self) -> None:
        self.changes += 1
        super().clear()


class World:
    """Everything the cloud knows. Not safe for threads by itself: hold the simulator's lock."""

    def __init__(self, *, seed: int, scenario: Scenario, domain_id: str) -> None:
        self.seed = seed
        self.scenario = scenario
        self.domain_id = domain_id
        self.projects: dict[str, Project] = {}
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self.images: dict[str, Image] = {}
        self.key_pairs: list[KeyPair] = []
        self.kms_keys: dict[str, KmsKey] = {}
        self.volumes: dict[str, Volume] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.servers = Servers()
        self._listed: tuple[object, list[Server]] = (None, [])
        self.jobs: dict[str, Job] = {}
        self.traces: deque[Trace] = deque(maxlen=20_000)
        self.actions: deque[InstanceAction] = deque(maxlen=20_000)
        self.counter = 0
        self.changes = 0  # grows with every change that is worth saving
        self._due: list[tuple[float, str]] = []

    def user_by_name(self, name: str) -> User:
        return next(u for u in self.users.values() if u.name == name)

    def user_by_access_key(self, access_key: str) -> User | None:
        return next((u for u in self.users.values() if u.access_key == access_key), None)

    def project_by_name(self, name: str) -> Project | None:
        return next((p for p in self.projects.values() if p.name == name), None)

    def servers_of(self, project_id: str) -> list[Server]:
        return [s for s in self.servers.values() if s.project_id == project_id]

    def listed(self, what: object, choose: Callable[[], list[Server]]) -> list[Server]:
        """What `choose` gives, kept while no server changes and `what` is asked for again: the next page."""
        mark = (what, self.servers.changes, Server.changes, len(self.servers))
        if self._listed[0] != mark:
            self._listed = (mark, choose())
        return self._listed[1]

    def key_pair(self, user_id: str, name: str) -> KeyPair | None:
        return next((k for k in self.key_pairs if k.user_id == user_id and k.name == name), None)

    def delete_server(self, server_id: str) -> None:
        """The server is gone; its system disk with it, its data disks stay without a server."""
        server = self.servers.pop(server_id)
        self.volumes.pop(server.system_volume or "", None)
        for volume_id in server.data_volumes:
            volume = self.volumes.get(volume_id)
            if volume is not None:
                volume.attached = {k: v for k, v in volume.attached.items() if k != server_id}
                volume.status = "in-use" if volume.attached else "available"
        self.changed()

    def next_number(self) -> int:
        """A number nobody had before in this world."""
        self.counter += 1
        return self.counter

    def new_uuid(self, kind: str) -> str:
        return uuid_of(self.seed, kind, self.next_number())

    def changed(self) -> None:
        self.changes += 1

    def put_job(self, job: Job) -> None:
        self.jobs[job.id] = job
        self.schedule(job)

    def schedule(self, job: Job) -> None:
        """Makes the world look at the job again when its next step is due."""
        if job.steps:
            heapq.heappush(self._due, (job.steps[0].at, job.id))
        self.changed()

    def pop_due(self, now: float) -> Job | None:
        """The job whose next step is the oldest one due, or None. The job must be scheduled again."""
        while self._due and self._due[0][0] <= now:
            _, job_id = heapq.heappop(self._due)
            job = self.jobs.get(job_id)
            if job is not None and job.steps:
                return job
        return None

    def add_action(self, server_id: str, action: str, job: Job, at: float) -> None:
        record = InstanceAction(server_id, action, job.user_id, job.project_id, f"req-{job.request_id}", at)
        self.actions.append(record)
