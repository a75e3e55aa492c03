"""PostgreSQL, a standby of it, and Redis of the fault run's own, on free ports, to be restarted at will."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis
from psycopg import sql

POSTGRES_PLACES = "/usr/lib/postgresql/*/bin"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _until(works: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            works()
        except (psycopg.OperationalError, redis.RedisError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


class OwnPostgres:
    """A cluster made for this run. It does not run as root: then it belongs to the user postgres.

    `like`: one that has ended; this one begins with what was in it.
    """

    def __init__(self, place: Path, *, like: "OwnPostgres | None" = None) -> None:
        place.mkdir(parents=True)
        self._like = like
        self.place, self.port = place, free_port()
        self._data, self._log = place / "data", place / "log"
        self._become: list[str] = []
        if os.getuid() == 0:
            shutil.chown(place, "postgres", "postgres")
            self._become = ["runuser", "-u", "postgres", "--"]
        self._fill()
        self._start()

    def _fill(self) -> None:
        if self._like is not None:
            subprocess.run([*self._become, "cp", "-a", self._like._data, self._data], check=True)
            return
        self._run("initdb", "-D", str(self._data), "-U", "faults", "-A", "trust", "--no-sync", "-E", "UTF8")

    @property
    def url(self) -> str:
        return f"postgres://faults:faults@127.0.0.1:{self.port}/postgres"

    def database(self, name: str) -> str:
        """A new database; its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url.rsplit("/", 1)[0] + f"/{name}"

    def restart(self) -> None:
        """As after a crash: every connection is cut, the log is replayed."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        self._start()

    def end(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _start(self) -> None:
        options = (
            # What is tried are processes that die, not machines that lose power.
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c max_connections=300 -c fsync=off "
            f"-c unix_socket_directories={self.place}"
        )
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._log), "-w", "-o", options, "start")
        _until(lambda: psycopg.connect(self.url, connect_timeout=2).close())

    def _run(self, program: str, *arguments: str) -> None:
        places = sorted(Path("/").glob(f"{POSTGRES_PLACES.lstrip('/')}/{program}"))
        path = str(places[-1]) if places else shutil.which(program)
        if path is None:
            raise RuntimeError(f"{program} of PostgreSQL was not found; run `make services`")
        subprocess.run(
            [*self._become, path, *arguments], check=True, cwd=self.place, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip


class OwnStandby(OwnPostgres):
    """Follows `primary` by streaming, asynchronously: a commit there does not wait for it."""

    def __init__(self, primary: OwnPostgres, place: Path) -> None:
        self._primary = primary
        super().__init__(place)

    def _fill(self) -> None:
        whence = ("-h", "127.0.0.1", "-p", str(self._primary.port), "-U", "faults")
        self._run("pg_basebackup", *whence, "-D", str(self._data), "-R", "-c", "fast", "--no-sync")

    def catch_up(self) -> None:
        """Returns once it has replayed all the primary has committed."""
        end = asked(self._primary.url, "SELECT pg_current_wal_lsn()")
        self._wait_for("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", str(end))

    def lose_touch(self) -> None:
        """The line to the primary is cut: what is committed there from now on does not arrive."""
        asked(self.url, "ALTER SYSTEM SET primary_conninfo = ''")
        asked(self.url, "SELECT pg_reload_conf()")
        self._wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")

    def promote(self) -> None:
        """It takes over with what it has, and writes a history of its own from here on."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "promote")

    def _wait_for(self, question: str, *values: str) -> None:
        deadline = time.monotonic() + 30
        while asked(self.url, question, *values) is not True:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the standby did not come so far: {question}")
            time.sleep(0.02)


def asked(url: str, statement: str, *values: str) -> object:
    """The one value a statement answers; None where it answers nothing."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


class OwnRedis:
    """A Redis that keeps nothing on disk: a restart loses all it had."""

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True)
        self.place, self.port = place, free_port()
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            cwd=self.place,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        _until(lambda: self._client().ping())

    def _client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=3)

    def forget_all(self) -> None:
        """FLUSHALL: every hint on its way is gone."""
        with self._client() as client:
            client.flushall()

    def restart(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        self._process.kill()
        self._process.wait(timeout=10)
