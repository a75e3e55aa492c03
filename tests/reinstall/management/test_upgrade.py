"""Migration 0014: a history of before it becomes a chain, proved from its first entry on."""

import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.concurrency.stack import own_database

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = (
    "at, actor_name, source, token_name, address, request_id, action, object_type, object_id, object_label, "
    "project_slug, before, after, note"
)
#: As the release before wrote them; numbers as JSON has them, a moment without and one with microseconds.
ENTRIES = [
    ("2025-11-03 08:00:00", '{}', '{"share": 1.0, "n": 1e22, "ü": ["\\u2028", null]}'),
    ("2025-11-03 08:00:01.250000", '{"state": "queued"}', '{"state": "running"}'),
    ("2025-11-03 08:00:02.000001", "{}", "{}"),
]  # fmt: skip


def values(entry: tuple[str, str, str]) -> tuple[str, ...]:
    at, before, after = entry
    return (at, "alice", "browser", "", "", "", "x.y", "x", "1", "", "", before, after, "note")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """An installation of its own, on each database."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ECSPORTAL_")}
    base = clean | {"ECSPORTAL_DATA_DIR": str(tmp_path)}
    if request.param == "sqlite":
        yield base
        return
    url = request.getfixturevalue("postgres_url")
    with own_database(url, f"upgrade_{secrets.token_hex(4)}") as database:
        yield base | {
            "ECSPORTAL_DATABASE_URL": database,
            "ECSPORTAL_SECRET_KEY": secrets.token_urlsafe(48),
            "ECSPORTAL_ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
        }


def manage(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=env, text=True, capture_output=True, check=False
    )


def write(env: dict[str, str]) -> None:
    url = env.get("ECSPORTAL_DATABASE_URL")
    rows = [values(entry) for entry in ENTRIES]
    if url is None:
        path = Path(env["ECSPORTAL_DATA_DIR"]) / "ecsportal.sqlite3"
        marks = ", ".join("?" * len(rows[0]))
        with closing(sqlite3.connect(path)) as database, database:
            database.executemany(f"INSERT INTO reinstall_auditevent ({COLUMNS}) VALUES ({marks})", rows)
        return
    marks = ", ".join(["%s"] * len(rows[0]))
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        statement = f"INSERT INTO reinstall_auditevent ({COLUMNS}) VALUES ({marks})"
        connection.cursor().executemany(statement.encode(), rows)


def test_what_was_written_before_is_chained(env: dict[str, str]) -> None:
    done = manage(env, "migrate", "--verbosity", "0", "reinstall", "0013")
    assert done.returncode == 0, done.stderr
    write(env)
    done = manage(env, "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    told = manage(env, "audit", "verify")
    assert told.returncode == 0, told.stderr
    span = "first 2025-11-03 08:00:00, last 2025-11-03 08:00:02"
    assert told.stdout.startswith(f"3 entries, chain unbroken, {span}, anchor ")
    # And it goes on from there.
    assert manage(env, "freeze", "on", "--reason", "so").returncode == 0
    assert manage(env, "audit", "verify").stdout.startswith("4 entries, chain unbroken")
