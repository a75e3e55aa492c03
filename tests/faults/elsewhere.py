"""This process's portal on a PostgreSQL database of its own, whatever database the test run began with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper

from tests.emptying import emptying

#: Without TLS: a proxy on the way reads what passes. A short wait: tests cut the line.
_OPTIONS = {"pool": {"min_size": 1, "max_size": 8, "timeout": 1}, "sslmode": "disable"}


def _settings_for(url: str) -> dict[str, Any]:
    at = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": at.path.lstrip("/"),
        "USER": at.username,
        "PASSWORD": at.password,
        "HOST": at.hostname,
        "PORT": at.port,
        "OPTIONS": _OPTIONS,
    }


@contextmanager
def portal_on(url: str) -> Iterator[None]:
    """While this is open, every thread's default connection goes to `url`."""
    first, settings = connections["default"], connections.settings["default"]
    _hang_up(first)
    connections.settings["default"] = settings | _settings_for(url)
    del connections["default"]
    try:
        yield
    finally:
        _hang_up(connections["default"])
        connections.settings["default"] = settings
        connections["default"] = first


def _hang_up(connection: BaseDatabaseWrapper) -> None:
    """Closes the connection, and the pool of its name, which would go on handing out the old ones."""
    connection.close()
    if isinstance(connection, DatabaseWrapper):
        connection.close_pool()


def migrated(url: str) -> None:
    """Makes the portal's tables in an empty database."""
    with portal_on(url):
        call_command("migrate", verbosity=0, interactive=False)


def emptied(url: str) -> None:
    """Drops every row; what the migrations put there is put there again."""
    with portal_on(url), emptying():
        call_command("flush", verbosity=0, interactive=False)
