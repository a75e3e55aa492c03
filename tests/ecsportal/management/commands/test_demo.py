"""What `manage.py demo` refuses before it changes anything."""

import fcntl
import socket
from pathlib import Path
from typing import Any

import pytest
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
