"""The services of the tests: found when they answer, skipped with a sentence or failed when they do not."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import tree

SENTENCES = {f"needs {name}: run `make services`" for name in ("PostgreSQL", "Redis", "RabbitMQ", "Chromium")}


@pytest.mark.postgres
def test_postgres_lets_the_role_make_databases(postgres_url: str, worker_name: str):
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "house_{worker_name}"')
        connection.execute(f'CREATE DATABASE "house_{worker_name}"')
        connection.execute(f'DROP DATABASE "house_{worker_name}"')


@pytest.mark.redis
def test_redis_keeps_a_value(redis_url: str, worker_name: str):
    import redis

    client = redis.Redis.from_url(redis_url)
    client.set(f"house:{worker_name}", "kept", ex=10)
    assert client.get(f"house:{worker_name}") == b"kept"
    client.close()


@pytest.mark.rabbitmq
def test_rabbitmq_delivers_a_message(rabbitmq_url: str, worker_name: str):
    from kombu import Connection

    with Connection(rabbitmq_url) as connection:
        queue = connection.SimpleQueue(
            f"house-{worker_name}-{os.getpid()}", queue_opts={"auto_delete": True, "durable": False}
        )
        queue.put("carried")
        assert queue.get(timeout=10).payload == "carried"
        queue.close()


@pytest.mark.browser
def test_chromium_renders_a_page(chromium_path: str, tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text("<title>x</title><p id=p></p><script>p.textContent = 6 * 7</script>", encoding="utf-8")
    command = [
        chromium_path,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/profile",
    ]
    done = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=60)
    assert ">42</p>" in done.stdout


def run_without_services(tmp_path: Path, strict: str) -> str:
    """The report of the four tests above where no service is to be found."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = f"127.0.0.1:{server.getsockname()[1]}"  # closed again below: nobody listens there
    environment = os.environ | {
        "PORTAL_TEST_STRICT": strict,
        "PORTAL_TEST_POSTGRES_URL": f"postgres://ecsportal:ecsportal@{dead}/ecsportal",
        "PORTAL_TEST_REDIS_URL": f"redis://{dead}/0",
        "PORTAL_TEST_RABBITMQ_URL": f"amqp://guest:guest@{dead}//",
        "PATH": str(tmp_path),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rsf", "-m", "postgres or redis or rabbitmq or browser"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", str(Path(__file__).relative_to(tree.ROOT))]
    return subprocess.run(
        command, cwd=tree.ROOT, env=environment, capture_output=True, text=True, timeout=100
    ).stdout


def test_a_missing_service_skips_its_tests_and_says_what_brings_it(tmp_path: Path):
    report = run_without_services(tmp_path, strict="0")
    assert set(re.findall(r"needs \w+: run `make services`", report)) == SENTENCES, report
    assert "4 skipped" in report and "failed" not in report, report


def test_where_nothing_may_be_missing_a_missing_service_fails(tmp_path: Path):
    report = run_without_services(tmp_path, strict="1")
    assert set(re.findall(r"needs \w+: run `make services`", report)) == SENTENCES, report
    assert "4 errors" in report and "skipped" not in report, report
