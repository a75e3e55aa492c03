"""The portal's real processes under fire: started, killed, frozen, brought back, and the dead counted."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What a prefork parent logs of a child that was killed, and what our own forking parent prints.
DIED = ("exited with 'signal 9 (SIGKILL)'", " -9\n")
CELERY = ("-m", "celery", "-A", "ecsportal")
QUIET = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")
#: Ends in a row, each within seconds of its start and by nobody's hand, after which a run is given up: a
#: database that restarts takes some starts along.
MOST_SHORT_LIVES = 15
#: How often each point kills; stop freezes a process until the harness wakes it.
POINTS = "K0:0.01,K1:0.02,K2:0.05,K2b:0.04,K3:0.1,K4:0.02,K5:0.004,K6:0.02,K7:0.02,K8:0.02,K9:0.03,K9b:0.07"


@dataclass
class Supervised:
    """One process of the portal that is always brought back; `killed` counts how many died by SIGKILL."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    forks: bool = False
    killed: int = 0
    starts: int = 0
    _popen: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _short_lives: int = field(default=0, init=False)
    _started_at: float = field(default=0.0, init=False)

    def ensure(self, faults: str) -> None:
        """Starts it if it is not alive; each start has a seed of its own."""
        if self._popen is not None and self._popen.poll() is None:
            return
        if self._popen is not None and self._popen.returncode == -signal.SIGKILL:
            self.killed += 1
        elif self._popen is not None:
            self._must_live(self._popen.returncode)
        self.starts += 1
        self._started_at = time.monotonic()
        plan = f"{faults},seed:{self.starts}" if faults else ""
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT, env={**self.env, "ECSPORTAL_FAULT_INJECTION": plan}, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def _must_live(self, status: int) -> None:
        """AssertionError for a program that ends by itself again and again: nothing would be under fire."""
        self._short_lives = self._short_lives + 1 if time.monotonic() < self._started_at + 5 else 0
        if self._short_lives >= MOST_SHORT_LIVES:
            last = self.log.read_text(errors="replace")[-500:]
            raise AssertionError(f"{' '.join(self.command)} ends by itself with status {status}: {last}")

    def pids(self) -> list[int]:
        """The processes that work: the children where it forks, else itself."""
        if self._popen is None or self._popen.poll() is not None:
            return []
        return _children(self._popen.pid) if self.forks else [self._popen.pid]

    def kill_all(self) -> None:
        """kill -9 to the process and its children at the same moment."""
        if self._popen is None or self._popen.poll() is not None:
            return
        self.killed += len(_children(self._popen.pid)) if self.forks else 0
        os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(timeout=30)

    def end(self) -> None:
        """As an operator would; after ten seconds as an impatient one."""
        if self._popen is None or self._popen.poll() is not None:
            return
        os.killpg(self._popen.pid, signal.SIGCONT)
        self._popen.terminate()
        try:
            self._popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait(timeout=10)

    def deaths(self) -> int:
        """Processes that died by SIGKILL: as their parents reported, and as we did it."""
        text = self.log.read_text(errors="replace") if self.log.exists() and self.forks else ""
        return self.killed + sum(text.count(word) for word in DIED)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def portal(kind: str, env: Mapping[str, str], logs: Path, data_dir: Path) -> list[Supervised]:
    """The processes of a portal of `kind`: embedded, workers (no broker at all), or celery."""
    if kind == "embedded":
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        serve = ("manage.py", "serve", "--port", port)
        return [Supervised(serve, env, logs / "portal.log")]
    if kind == "workers":
        pair = ("-m", "tests.faults.worker", "--children", "2")
        return [Supervised(pair, env, logs / f"workers-{n}.log", forks=True) for n in "ab"]
    found = [
        Supervised(
            (*CELERY, "worker", "-c", "3", "-n", f"{n}@%h", *QUIET), env, logs / f"worker-{n}.log", True
        )
        for n in ("one", "two")
    ]
    beat = ("beat", "--schedule", str(data_dir / "beat"), "--pidfile=")
    return [*found, Supervised((*CELERY, *beat), env, logs / "beat.log")]


@dataclass
class Freezer:
    """SIGSTOP for a while, then SIGCONT; also wakes whoever froze itself at a crash point."""

    frozen: int = 0

    def freeze(self, pid: int, seconds: float) -> None:
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:
            return
        self.frozen += 1
        threading.Timer(seconds, _wake, (pid,)).start()


def _wake(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


def kill_one(chance: random.Random, processes: list[Supervised]) -> None:
    """kill -9 to any one working process."""
    pids = [(one, pid) for one in processes for pid in one.pids()]
    if not pids:
        return
    _, pid = chance.choice(pids)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    time.sleep(0.01)
