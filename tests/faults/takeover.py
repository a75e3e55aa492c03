"""A portal on a PostgreSQL of its own with a standby, behind one address that moves with the takeover."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ
import psycopg
from django.db import DatabaseError, connection, connections
from django.db.utils import InterfaceError

from tests.faults.proxy import SilentProxy
from tests.faults.services import OwnPostgres, OwnStandby


class Pair:
    """A primary, a standby that follows it asynchronously, and the address a portal knows."""

    def __init__(self, place: Path, like: OwnPostgres) -> None:
        self.primary = OwnPostgres(place / "primary", like=like)
        self._running: list[OwnPostgres] = [self.primary]
        self.address = SilentProxy("127.0.0.1", self.primary.port)
        self.standby = OwnStandby(self.primary, place / "standby")
        self._running.append(self.standby)

    @property
    def url(self) -> str:
        return f"postgres://faults:faults@127.0.0.1:{self.address.port}/postgres"

    def lose_touch(self) -> None:
        """All that is committed so far is on the standby; nothing after it will be."""
        self.standby.catch_up()
        self.standby.lose_touch()

    def take_over(self) -> None:
        """The primary dies, the standby is promoted, and the address leads there."""
        self._running.remove(self.primary)
        self.primary.end()
        self.standby.promote()
        self.address.lead_to(self.standby.port)
        reconnected()

    def end(self) -> None:
        self.address.close()
        for cluster in self._running:
            cluster.end()


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that the user of the clusters, who is another one than root, may enter."""
    with tempfile.TemporaryDirectory(prefix="takeover-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def running_pair(like: OwnPostgres) -> Iterator[Pair]:
    """Two clusters that begin with what is in `like`."""
    with open_folder() as place:
        pair = Pair(place, like)
        try:
            yield pair
        finally:
            pair.end()


@contextmanager
def portal_on(url: str) -> Iterator[None]:
    """This process's portal works on the database at `url`, and connects as in production."""
    before = connections.settings["default"]
    connection.close()
    del connections["default"]
    config = {**before, **environ.Env.db_url_config(url)}
    pool = {"min_size": 1, "max_size": 4, "timeout": 10}
    connections.settings["default"] = {**config, "OPTIONS": {"pool": pool}}
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's connections only
        del connections["default"]
        connections.settings["default"] = before


def reconnected() -> None:
    """Returns once this process speaks to the database again; dead connections are noticed by using them."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except (DatabaseError, InterfaceError, psycopg.OperationalError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
