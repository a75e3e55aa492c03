"""Keeps the world in a file, so that a demonstration can be stopped and go on."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from simulator.clock import Clock
from simulator.cloud import Cloud
from simulator.records import (
    Accepted,
    Address,
    Image,
    InstanceAction,
    Job,
    KeyPair,
    KmsKey,
    Project,
    Server,
    Snapshot,
    Step,
    Token,
    Trace,
    User,
    Volume,
)
from simulator.scenario import BadInput, scenario_from
from simulator.world import World

FORMAT = 1
BY_ID = {
    "projects": Project,
    "users": User,
    "images": Image,
    "kms_keys": KmsKey,
    "volumes": Volume,
    "snapshots": Snapshot,
}


def _plain(record: object) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name != "rendered"}


def dump(cloud: Cloud) -> str:
    """The whole state as one JSON document. Planted faults and open requests are not part of it."""
    world = cloud.world
    document: dict[str, Any] = {
        "format": FORMAT,
        "seed": cloud.seed,
        "scenario": cloud.scenario.as_dict(),
        "domain_id": world.domain_id,
        "now": cloud.clock.now(),
        "advanced_s": cloud.clock.advanced_s,
        "counter": world.counter,
        "tokens": list(world.tokens.values()),
        "servers": list(world.servers.values()),
        "jobs": list(world.jobs.values()),
        "key_pairs": world.key_pairs,
        "traces": list(world.traces),
        "actions": list(world.actions),
        "accepted": cloud.ledger.accepted,
    }
    for name in BY_ID:
        document[name] = list(getattr(world, name).values())
    return json.dumps(document, default=_plain, separators=(",", ":"), ensure_ascii=False)


def load(cloud: Cloud, text: str) -> None:
    """Puts a dumped state in place of the present one. Time has gone on since, at the speed of ours.

    Raises BadInput when the text is not a state of this simulator.
    """
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise BadInput(f"state: format {data['format']} is not {FORMAT}")
        _restore(cloud, data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"state: this is not a saved world: {error!r}") from error


def _restore(cloud: Cloud, data: dict[str, Any]) -> None:
    scenario = scenario_from(data["scenario"])
    world = World(seed=data["seed"], scenario=scenario, domain_id=data["domain_id"])
    for name, kind in BY_ID.items():
        getattr(world, name).update({row["id"]: kind(**row) for row in data[name]})
    world.tokens = {row["value"]: Token(**row) for row in data["tokens"]}
    world.key_pairs = [KeyPair(**row) for row in data["key_pairs"]]
    for row in data["servers"]:
        addresses = [Address(**a) for a in row["addresses"]]
        world.servers[row["id"]] = Server(**{**row, "addresses": addresses})
    world.traces = deque((Trace(**row) for row in data["traces"]), maxlen=world.traces.maxlen)
    world.actions = deque((InstanceAction(**row) for row in data["actions"]), maxlen=world.actions.maxlen)
    for row in data["jobs"]:
        world.put_job(Job(**{**row, "steps": [Step(**s) for s in row["steps"]]}))
    world.counter = data["counter"]
    clock = Clock(cloud.start_speed, max(float(data["now"]), time.time()))
    clock.advanced_s, clock.skew_s = float(data["advanced_s"]), scenario.clock_skew_s
    cloud.adopt(world, clock, [Accepted(**row) for row in data["accepted"]])


class StateFile:
    """Writes the state where it changed, never half, not more often than twice a second."""

    def __init__(self, cloud: Cloud, path: Path) -> None:
        self.cloud = cloud
        self.path = path
        self._saved: tuple[int, int] | None = None

    def load(self) -> bool:
        """Reads the file if there is one. Raises BadInput when it cannot be used."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise BadInput(f"state: {self.path} cannot be read: {error.strerror}") from error
        with self.cloud.lock:
            load(self.cloud, text)
        return True

    def save_if_changed(self) -> float:
        """Saves when something happened; returns the seconds until the next try."""
        began = time.monotonic()
        with self.cloud.lock:
            self.cloud.settle()
            mark = (self.cloud.generation, self.cloud.world.changes)
            text = dump(self.cloud) if mark != self._saved else None
        if text is not None:
            self._write(text)
            self._saved = mark
        return max(0.5, 10 * (time.monotonic() - began))

    def save(self) -> None:
        self._saved = None
        self.save_if_changed()

    def _write(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(self.path.name + ".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, self.path)
