"""The portal as its operators run it on one machine: `manage.py serve`, beside a simulated cloud."""

import json
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from benchmarks.pages import Person
from benchmarks.processes import Process, environment, free_port, output_of, python, start

USER = "bench"
#: Counted as ever, but never refused: one person stands for all that are measured.
UNREFUSED = ",".join(f"{kind}=6000000/min" for kind in ("read", "write", "export", "order", "project"))


@dataclass
class Portal:
    """A data directory and what runs on it. `cloud` is the simulator's address, "" without one."""

    data_dir: Path
    cloud: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    processes: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        own = {
            "ECSPORTAL_DATA_DIR": str(self.data_dir),
            "DJANGO_SUPERUSER_PASSWORD": self.password,
            "ECSPORTAL_THROTTLES": UNREFUSED,
        }
        return environment({**own, **self.settings, "DJANGO_SETTINGS_MODULE": "ecsportal.settings"})

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """What a command printed."""
        return output_of(python("manage.py", *arguments), env=self.env, stdin=stdin)

    def prepare(self) -> None:
        """The tables and an account."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("createsuperuser", "--noinput", "--username", USER, "--email", "")

    def start_cloud(
        self, *, servers: int, speed: float, scenario: Mapping[str, object] | None = None
    ) -> None:
        """The simulated cloud, as `scenario` says; its inventory is read into the database."""
        self.add_cloud(servers=servers, speed=speed, scenario=scenario)
        self.manage("sync", "shop-prod")

    def add_cloud(
        self, *, servers: int, speed: float = 1.0, scenario: Mapping[str, object] | None = None
    ) -> None:
        """The same, known to the portal and not read yet."""
        command = python("-m", "simulator", "--port", "0", "--speed", str(speed), "--servers", str(servers))
        if scenario is not None:
            path = self.data_dir / "scenario.json"
            path.write_text(json.dumps(scenario), encoding="utf-8")
            command += ["--scenario", str(path)]
        simulator = start("the simulator", command, env=self.env)
        self.processes.append(simulator)
        self.cloud = simulator.printed(r"(http://127\.0\.0\.1:\d+)")
        document = requests.get(f"{self.cloud}/_sim/cloud.json?project=shop-prod", timeout=10).json()
        self.manage("cloud", "add", "-", stdin=json.dumps(document))

    def serve(self) -> Process:
        """Web, worker and beat in one process; returns once it is ready."""
        process = start("serve", python("manage.py", "serve", "--port", str(self.port)), env=self.env)
        self.processes.append(process)
        process.wait_for(self._ready, "to be ready")
        return process

    def serve_apart(self) -> list[Process]:
        """Web, worker and beat as processes of their own; returns once they are ready."""
        web = ("-m", "uvicorn", "ecsportal.asgi:application", "--port", str(self.port), "--no-access-log")
        celery = ("-m", "celery", "-A", "ecsportal")
        quiet = ("--concurrency", "4", "--without-gossip", "--without-mingle")
        beat = ("beat", "--schedule", str(self.data_dir / "beat"), "--pidfile=")
        commands = {"web": web, "worker": (*celery, "worker", *quiet), "beat": (*celery, *beat)}
        started = [start(name, python(*command), env=self.env) for name, command in commands.items()]
        self.processes += started
        started[0].wait_for(self._ready, "to be ready")
        return started

    def _ready(self) -> str:
        try:
            return "yes" if requests.get(f"{self.url}/ready", timeout=5).status_code == 200 else ""
        except requests.ConnectionError:
            return ""

    def person(self) -> Person:
        """Somebody signed in."""
        person = Person(self.url)
        person.sign_in(USER, self.password)
        return person

    def token(self) -> str:
        """An API token of the same person."""
        return self.manage("token", "create", USER, "--name", "bench").splitlines()[-1]

    def accepted(self) -> list[dict[str, Any]]:
        """The reinstalls the cloud took on; `at` is the wall clock of this machine, when they arrived."""
        rows: list[dict[str, Any]] = requests.get(f"{self.cloud}/_sim/ledger", timeout=10).json()["accepted"]
        return rows

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the portal's database, read beside it."""
        address = f"file:{self.data_dir / 'ecsportal.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=20)) as connection:
            return connection.execute(sql, values).fetchall()

    def end(self) -> None:
        for process in reversed(self.processes):
            process.end()


@contextmanager
def portal(settings: Mapping[str, str] | None = None) -> Iterator[Portal]:
    """A fresh portal with tables and an account; everything it started is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="ecsportal-bench-") as folder:
        fresh = Portal(Path(folder), settings=dict(settings or {}))
        try:
            fresh.prepare()
            yield fresh
        finally:
            fresh.end()
