"""Processes a benchmark starts, and ends again with everything they started."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0
#: Settings of the shell, or of the make around this, must not leak into what is measured.
OURS = re.compile(r"(ECSPORTAL_|DJANGO_|MAKE|MFLAGS|VIRTUAL_ENV|PORT$|ARGS$)")


class Failed(Exception):
    """A process did not do what the benchmark needs; the text holds the end of its output."""


@dataclass
class Process:
    """A running child in a session of its own; its output is kept for the message of a failure."""

    name: str
    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        self.lines.extend(line.rstrip() for line in self.popen.stdout)

    def printed(self, pattern: str) -> str:
        """The first group of the first line that matches; waits for it."""

        def look() -> str:
            found = (re.search(pattern, line) for line in list(self.lines))
            return next((match.group(1) for match in found if match), "")

        return self.wait_for(look, f"to print {pattern!r}")

    def wait_for(self, look: Callable[[], str], what: str, *, patience_s: float = PATIENCE_S) -> str:
        """The first text `look` finds. Raises Failed when the process ends, or when it takes too long."""
        give_up = time.monotonic() + patience_s
        while time.monotonic() < give_up:
            found = look()
            if found:
                return found
            if self.popen.poll() is not None:
                break
            time.sleep(0.01)
        raise Failed(f"waited for {self.name} {what}\n" + "\n".join(self.lines[-20:]))

    def end(self) -> None:
        """Ends the process and what it started."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGTERM)
        try:
            self.popen.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(timeout=20)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of the portal, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def start(name: str, command: Sequence[str], *, env: Mapping[str, str], cwd: Path = ROOT) -> Process:
    """Starts `command` in a session of its own."""
    popen = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return Process(name, popen)


def output_of(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path = ROOT,
    stdin: str = "",
    patience_s: float = 600.0,
) -> str:
    """What `command` printed. Raises Failed with its complaint when it ends with an error."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=dict(env),
        input=stdin,
        text=True,
        capture_output=True,
        timeout=patience_s,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def python(*arguments: str) -> list[str]:
    """A command line of this very Python."""
    return [sys.executable, *arguments]


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
