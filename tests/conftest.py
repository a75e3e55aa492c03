"""What every test may rely on: services found by a real connection, sockets that reach this machine only.

A test that needs a service carries its mark (`@pytest.mark.postgres`, `redis`, `rabbitmq`, `browser`) or
takes its address as a fixture. Where the service does not answer the test is skipped, naming the command that
brings it; with PORTAL_TEST_STRICT=1 (as `make test-all` sets it) it fails instead.

The limit on sockets is pytest-socket's, set in pyproject.toml: 127.0.0.1, ::1, localhost and Unix sockets.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from _pytest.fixtures import SubRequest

POSTGRES_URL = os.environ.get(
    "PORTAL_TEST_POSTGRES_URL", "postgres://ecsportal:ecsportal@127.0.0.1:5432/ecsportal"
)
REDIS_URL = os.environ.get("PORTAL_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
RABBITMQ_URL = os.environ.get("PORTAL_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 3


def _ask_postgres() -> None:
    import psycopg

    with psycopg.connect(POSTGRES_URL, connect_timeout=PATIENCE_S) as connection:
        row = connection.execute(
            "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    if row != (True,):
        raise RuntimeError("the role may not create databases")


def _ask_redis() -> None:
    import redis

    client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S)
    try:
        client.ping()
    finally:
        client.close()


def _ask_rabbitmq() -> None:
    from kombu import Connection

    with Connection(RABBITMQ_URL, connect_timeout=PATIENCE_S) as connection:
        connection.transport.establish_connection().close()


def _ask_browser() -> None:
    path = _chromium()
    if not path:
        raise RuntimeError("no Chromium on the path")
    subprocess.run([path, "--version"], check=True, capture_output=True, timeout=30)


def _chromium() -> str:
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), "")


@dataclass(frozen=True, slots=True)
class Service:
    """A service some tests need: `mark` is the name of its mark, `ask` raises when it does not answer."""

    mark: str
    name: str
    ask: Callable[[], None]


SERVICES = {
    service.mark: service
    for service in (
        Service("postgres", "PostgreSQL", _ask_postgres),
        Service("redis", "Redis", _ask_redis),
        Service("rabbitmq", "RabbitMQ", _ask_rabbitmq),
        Service("browser", "Chromium", _ask_browser),
    )
}


@cache
def why_missing(mark: str) -> str:
    """Why the service of this mark cannot be used, "" when it answered. Asked once in each test process."""
    try:
        SERVICES[mark].ask()
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def need(mark: str) -> None:
    """Go on when the service of this mark answers; else skip the test, or fail it when strict."""
    why = why_missing(mark)
    if not why:
        return
    sentence = f"needs {SERVICES[mark].name}: run `make services`"
    if os.environ.get("PORTAL_TEST_STRICT") == "1":
        pytest.fail(f"{sentence} ({why})", pytrace=False)
    pytest.skip(sentence)


def pytest_configure() -> None:
    # Loading Django settles its settings; pytest-django has done so by now, or there are none.
    if os.environ.get("DJANGO_SETTINGS_MODULE"):
        from tests.emptying import for_every_test

        for_every_test()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in _marks_of(item.iter_markers()):
        need(mark)


def _marks_of(markers: Iterable[pytest.Mark]) -> Iterator[str]:
    return (marker.name for marker in markers if marker.name in SERVICES)


@pytest.fixture(scope="session")
def worker_name(request: SubRequest) -> str:
    """The test process: main, or gw0, gw1 … under pytest-xdist. For names that must not collide."""
    workerinput = getattr(request.config, "workerinput", None)
    return str(workerinput["workerid"]) if workerinput else "main"


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A database of this address may be connected to; its role may create others."""
    need("postgres")
    return POSTGRES_URL


@pytest.fixture(scope="session")
def redis_url(worker_name: str) -> str:
    """A Redis database of this test process's own (numbers 1 to 15). Never flushed: use keys of your own."""
    need("redis")
    number = int(worker_name[2:]) % 14 + 2 if worker_name.startswith("gw") else 1
    base, slash, last = REDIS_URL.rpartition("/")
    return f"{base}/{number}" if slash and last.isdigit() else REDIS_URL


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """A broker shared by all test processes: name your queues with `worker_name`."""
    need("rabbitmq")
    return RABBITMQ_URL


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium to give to Playwright as `executable_path`."""
    need("browser")
    return _chromium()
