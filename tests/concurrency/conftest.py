"""Each stack once: SQLite in one process, PostgreSQL with Redis, PostgreSQL with RabbitMQ."""

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.concurrency.stack import Stack, own_database, running_stack

STACKS = [
    pytest.param("embedded", id="sqlite-embedded"),
    pytest.param("redis", marks=[pytest.mark.postgres, pytest.mark.redis], id="postgres-redis"),
    pytest.param("rabbitmq", marks=[pytest.mark.postgres, pytest.mark.rabbitmq], id="postgres-rabbitmq"),
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal with 100 servers in a cloud sixty times as fast as a real one."""
    yield from started(request, request.param, tmp_path_factory.mktemp("stack"))


def started(request: pytest.FixtureRequest, kind: str, data_dir: Path) -> Iterator[Stack]:
    if kind == "embedded":
        with running_stack(kind, data_dir, {}, port=free_port(), speed=60, servers=100) as running:
            yield running
        return
    broker = request.getfixturevalue("redis_url" if kind == "redis" else "rabbitmq_url")
    name = f"portal_{kind}_{secrets.token_hex(4)}"
    with own_database(request.getfixturevalue("postgres_url"), name) as database:
        more = {
            "ECSPORTAL_DATABASE_URL": database,
            "ECSPORTAL_BROKER_URL": broker,
            "ECSPORTAL_DEPLOYMENT_ID": name,
        }
        if kind == "redis":
            more["ECSPORTAL_REDIS_URL"] = broker
        with running_stack(kind, data_dir, more, port=free_port(), speed=60, servers=100) as running:
            yield running
