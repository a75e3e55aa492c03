"""The database's clock: leases of several hosts are compared on one clock only."""

from datetime import UTC, datetime

from django.db import connection


def database_now() -> datetime:
    """The time of the database server, aware, UTC."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # unixepoch('subsec') is NULL on SQLite 3.40 (Debian 12).
            cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
            return datetime.fromisoformat(cursor.fetchone()[0])
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment.astimezone(UTC)
