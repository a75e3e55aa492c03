"""A database that cannot serve at present, told from a mistake of this portal."""

import sqlite3

from django.db import InterfaceError, OperationalError

#: SQLite reports a wrong statement by the same class as a locked file; only these pass by themselves.
_PASSES = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def is_away(error: BaseException | None) -> bool:
    """Whether the database was locked, full or out of reach: the same request may go through later."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return str(getattr(cause, "sqlite_errorname", "")).startswith(_PASSES)
    return True
