"""The product as its operators run it: real processes, a real database, a real broker, a simulated cloud."""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


@dataclass
class Process:
    """A child of this test; its output is kept for the message of a failure."""

    name: str
    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        self.lines.extend(line.rstrip() for line in self.popen.stdout)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line of the output that matches."""

        def found() -> re.Match[str] | None:
            if self.popen.poll() is not None and not self.lines:
                raise AssertionError(f"{self.name} ended with {self.popen.returncode}")
            return next((m for line in list(self.lines) if (m := re.search(pattern, line))), None)

        match: re.Match[str] = wait_until(found, f"{self.name} to print {pattern!r}", self.tail)
        return match

    def tail(self) -> str:
        return "\n".join(self.lines[-30:])

    def end(self, signum: int = signal.SIGTERM) -> None:
        """Ends the process and what it started."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signum)
        self.popen.wait(timeout=30)
        self._reader.join(timeout=5)
        assert self.popen.stdout is not None
        self.popen.stdout.close()


def wait_until(look: Callable[[], Any], what: str, more: Callable[[], str] = str) -> Any:
    """The first true value of `look`; AssertionError when there is none in a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = look()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE_S:.0f} s for {what}\n{more()}")


def _run(command: list[str], env: dict[str, str], name: str) -> Process:
    popen = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Process(name, popen)


@dataclass
class Stack:
    """A running portal and its simulated cloud. `kind` is embedded, redis or rabbitmq."""

    kind: str
    data_dir: Path
    env: dict[str, str]
    port: int
    simulator_url: str = ""
    token: str = ""
    #: Of a second web process, where a test starts one.
    second_port: int = 0
    processes: list[Process] = field(default_factory=list)
    handed_out: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # ------------------------------------------------------------ processes

    def start_simulator(self, *, speed: float, servers: int) -> None:
        """The simulated cloud; it outlives the portal's processes."""
        command = [
            sys.executable,
            "-m",
            "simulator",
            "--port",
            "0",
            "--speed",
            str(speed),
            "--servers",
            str(servers),
        ]
        simulator = _run(command, self.env, "simulator")
        self.processes.append(simulator)
        self.simulator_url = simulator.wait_for(r"(http://127\.0\.0\.1:\d+)").group(1)

    def start_portal(self) -> None:
        """All processes of the portal, and waits until it is ready."""
        if self.kind == "embedded":
            self._start("manage.py", "serve", "--port", str(self.port))
        else:
            celery = ("-m", "celery", "-A", "ecsportal")
            self.start_web(self.port)
            self._start(
                *celery,
                "worker",
                "--concurrency",
                "2",
                "-n",
                "one@%h",
                "--without-gossip",
                "--without-mingle",
            )
            self._start(
                *celery,
                "worker",
                "--concurrency",
                "2",
                "-n",
                "two@%h",
                "--without-gossip",
                "--without-mingle",
            )
            self._start(*celery, "beat", "--schedule", str(self.data_dir / "beat"))
        wait_until(self._ready, "the portal to be ready", self.output)

    def start_web(self, port: int) -> None:
        """A web process, and waits until it answers."""
        self._start("-m", "uvicorn", "ecsportal.asgi:application", "--port", str(port), "--no-access-log")
        wait_until(lambda: self._answers(port), f"the web process on {port}", self.output)

    def _start(self, *arguments: str) -> None:
        name = arguments[1] if arguments[0] == "manage.py" else " ".join(arguments[1:5])
        self.processes.append(_run([sys.executable, *arguments], self.env, name))

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def _answers(self, port: int) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/live", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def kill_portal(self) -> None:
        """kill -9, to all of the portal at once; the cloud goes on."""
        portal = [process for process in self.processes if process.name != "simulator"]
        for process in portal:
            process.end(signal.SIGKILL)
            self.processes.remove(process)

    def end(self) -> None:
        for process in reversed(self.processes):
            process.end()

    def output(self) -> str:
        return "\n\n".join(f"--- {process.name}\n{process.tail()}" for process in self.processes)

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """What a command printed. AssertionError when it failed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.env, input=stdin, text=True, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # ------------------------------------------------------------ use

    def fill(self) -> None:
        """A cloud, its inventory, a person and their token, all by the commands an operator would use."""
        document = requests.get(f"{self.simulator_url}/_sim/cloud.json?project=shop-prod", timeout=10).json()
        self.manage("cloud", "add", "-", stdin=json.dumps(document))
        self.manage("sync", "shop-prod")
        self.add_person("User.objects.create_superuser('tool')")
        self.token = self.manage("token", "create", "tool", "--name", "tests").splitlines()[-1]

    def add_person(self, statement: str) -> None:
        """Runs a statement about `User` in the portal's own shell."""
        imported = "from django.contrib.auth.models import User"
        self.manage("shell", "--no-imports", "-c", f"{imported}; {statement}")

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """A REST call with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return requests.request(method, f"{self.url}/api/v1/{path}", headers=headers, timeout=30, **more)

    def free_servers(self, count: int) -> list[dict[str, Any]]:
        """Servers that may be reinstalled and that no test had before, by name."""
        rows = self.ask("GET", "servers/?limit=200&project=shop-prod").json()["results"]
        fresh = [row for row in rows if row["id"] not in self.handed_out and not row["why_not"]]
        running = [row for row in fresh if row["status"] == "ACTIVE"]
        usable = sorted(running, key=lambda row: not row["name"].startswith("web-"))
        # First those whose form asks for no word on encryption.
        usable = sorted(usable, key=self._has_encrypted_system_disk)[:count]
        assert len(usable) == count, f"{len(usable)} free servers, {count} wanted"
        self.handed_out |= {row["id"] for row in usable}
        return usable

    def _has_encrypted_system_disk(self, row: dict[str, Any]) -> bool:
        disks = self.ask("GET", f"servers/{row['id']}/").json()["disks"]
        return any(disk["role"] == "system" and disk["encrypted"] for disk in disks)

    def order(self, servers: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
        """Places an order for `servers`; the answer."""
        key = self.ask("GET", "key-pairs/?project=shop-prod").json()["results"][0]
        names = [row["name"] for row in servers]
        body = {
            "project": "shop-prod",
            "servers": [row["id"] for row in servers],
            "spec": {
                "keyname": key["name"],
                "userid": key["userid"],
                "mode": "withStopServer",
                "encrypted": False,
                **spec,
            },
            "reason": "OPS-4417",
            "confirm": names[0] if len(names) == 1 else f"wipe {len(names)} servers",
        }
        answer = self.ask("POST", "orders/", json=body, headers={"Idempotency-Key": secrets.token_hex(8)})
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed

    def job(self, number: int) -> dict[str, Any]:
        answer = self.ask("GET", f"jobs/{number}/")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def settled(
        self, numbers: list[int], *, or_unknown_and_never_arrived: int | None = None
    ) -> list[dict[str, Any]]:
        """The jobs, once each has ended or waits for a person.

        `or_unknown_and_never_arrived`: so many calls were accepted before the order; an unknown outcome also
        counts as settled where the cloud has accepted nothing for its server since.
        """
        seen: list[dict[str, Any]] = []

        def settles(job: dict[str, Any], arrived: set[str]) -> bool:
            never = or_unknown_and_never_arrived is not None and job["server"]["id"] not in arrived
            return bool(
                job["ended_at"] or job["state"] == "attention" or (never and job["state"] == "uncertain")
            )

        def look() -> list[dict[str, Any]] | None:
            seen[:] = [self.job(number) for number in numbers]
            arrived = {row["server_id"] for row in self.accepted()[or_unknown_and_never_arrived or 0 :]}
            return seen if all(settles(job, arrived) for job in seen) else None

        def more() -> str:
            rows = [
                f"#{job['id']} {job['state']}: {job['waiting_for']}" for job in seen if not job["ended_at"]
            ]
            return "\n".join([*rows, self.output()])

        jobs: list[dict[str, Any]] = wait_until(look, f"jobs {numbers} to settle", more)
        return jobs

    def faults(self, *planted: dict[str, Any]) -> None:
        answer = requests.post(f"{self.simulator_url}/_sim/faults", json=list(planted), timeout=10)
        assert answer.status_code == 200, answer.text

    def accepted(self) -> list[dict[str, Any]]:
        """The reinstalls the cloud took on, in order."""
        rows: list[dict[str, Any]] = requests.get(f"{self.simulator_url}/_sim/ledger", timeout=10).json()[
            "accepted"
        ]
        return rows


def _environment(data_dir: Path, more: dict[str, str]) -> dict[str, str]:
    """No setting of the test run leaks into the portal under test."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("ECSPORTAL_", "DJANGO_"))
    }
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    own = {
        "ECSPORTAL_DATA_DIR": str(data_dir),
        "ECSPORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "ECSPORTAL_ENCRYPTION_KEYS": f"k1:{key}",
        # Tests ask much more often than tools do.
        "ECSPORTAL_THROTTLES": "read=off,write=off,export=off,order=off,project=off",
        "PYTHONUNBUFFERED": "1",
    }
    return clean | own | more


@contextmanager
def running_stack(
    kind: str,
    data_dir: Path,
    more: dict[str, str],
    *,
    port: int,
    speed: float = 30,
    servers: int = 80,
    simulator_url: str = "",
    filled: bool = True,
) -> Iterator[Stack]:
    """A filled portal of `kind` (or one with nothing in it); everything it started is ended afterwards.

    simulator_url: a simulator of the test's own; without it one is started, `speed` times as fast as a cloud.
    """
    stack = Stack(kind, data_dir, _environment(data_dir, more), port, simulator_url)
    try:
        if not simulator_url:
            stack.start_simulator(speed=speed, servers=servers)
        stack.manage("migrate", "--verbosity", "0")
        if filled:
            stack.fill()
        stack.start_portal()
        yield stack
    finally:
        stack.end()


@contextmanager
def running_demo(data_dir: Path, *, port: int, speed: float = 30) -> Iterator[tuple[Stack, str]]:
    """`manage.py demo --empty`: a portal without a cloud beside a simulated one; the password of `demo`."""
    stack = Stack("embedded", data_dir, _environment(data_dir, {}), port)
    try:
        stack._start("manage.py", "demo", "--empty", "--port", str(port), "--speed", str(speed))
        demo = stack.processes[0]
        password = demo.wait_for(r"sign in +demo / (\S+)").group(1)
        stack.simulator_url = demo.wait_for(r"(http://127\.0\.0\.1:\d+)/_sim/").group(1)
        yield stack, password
    finally:
        stack.end()


@contextmanager
def own_database(url: str, name: str) -> Iterator[str]:
    """A fresh PostgreSQL database; the address to give the portal."""
    identifier = sql.Identifier(name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    yield url.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
