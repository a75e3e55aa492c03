"""What `manage.py demo` refuses before it changes anything, and what it leaves behind when it is killed."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal
from django.core.management import call_command
from django.core.management.base import CommandError


@pytest.fixture
def own_directory(tmp_path: Path, settings: Any) -> Path:
    """A data directory of this test alone."""
    settings.ON_SQLITE, settings.DATA_DIR = True, tmp_path
    return tmp_path


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_second_demo_leaves_the_first_one_its_cloud(own_directory: Path, free_port: int) -> None:
    with (own_directory / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="A demo runs on .* already"):
            call_command("demo", port=free_port)
    assert [path.name for path in own_directory.iterdir()] == ["demo.lock"], "nothing was started"


def test_a_taken_port_is_said_before_anything_starts(own_directory: Path) -> None:
    refused = pytest.raises(CommandError, match="Cannot listen on 127.0.0.1, port")
    with socket.create_server(("127.0.0.1", 0)) as taken, refused:
        call_command("demo", port=taken.getsockname()[1])
    assert list(own_directory.iterdir()) == []


def test_production_databases_are_no_place_for_a_demo(settings: Any) -> None:
    settings.ON_SQLITE = False
    with pytest.raises(CommandError, match="demo runs on SQLite"):
        call_command("demo")


def test_a_killed_demo_takes_its_simulator_with_it(tmp_path: Path, free_port: int) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ECSPORTAL_")}
    demo = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(free_port)],
        cwd=portal.BASE_DIR,
        env={**ours, "ECSPORTAL_DATA_DIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert demo.stdout is not None
        assert any("simulated" in line for line in demo.stdout)
        demo.kill()
        # The simulator writes to the same pipe for errors: it comes to its end when both are gone.
        demo.communicate(timeout=10)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(demo.pid, signal.SIGKILL)
        demo.wait(timeout=10)
    assert demo.returncode == -signal.SIGKILL
