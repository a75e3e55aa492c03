"""Whether the portal can do its work: database, migrations, a ticking engine, nothing overdue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from reinstall.domain.states import DRIVEN
from reinstall.models import EngineTick, Job
from reinstall.selectors.integrity import integrity

TICK_MAX_AGE = timedelta(seconds=120)
#: A due job nobody took for so long: workers are deaf, whatever the cause.
DUE_MAX_AGE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ready when there are no `problems` (sentences). oldest_due_s: how long the oldest due job waits.

    audit: unbroken, broken or unverified. It stops nobody: a reinstall under way is followed all the same.
    """

    problems: tuple[str, ...]
    oldest_due_s: int
    audit: str = "unverified"

    @property
    def ready(self) -> bool:
        return not self.problems


def readiness(now: datetime) -> Readiness:
    """Asks the database. Never raises for a database that is away: that is one of the answers."""
    try:
        pending = _pending_migrations()
        if pending:
            return Readiness((f"{pending} migrations are not applied.",), 0)
        oldest = oldest_due_s(now)
        problems = [] if _ticked(now) else ["The engine has not looked for due jobs for 120 s."]
        if oldest > DUE_MAX_AGE.total_seconds():
            problems.append(f"A job has been due for {oldest} s and no worker took it.")
        if _cannot_write():
            problems.append("The database is read-only, or a standby: nothing can be written.")
        return Readiness(tuple(problems), oldest, integrity().word)
    except DatabaseError as error:
        return Readiness((f"The database does not answer ({type(error).__name__}).",), 0)


def _pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _ticked(now: datetime) -> bool:
    return EngineTick.objects.filter(at__gte=now - TICK_MAX_AGE).exists()


def oldest_due_s(now: datetime) -> int:
    """Seconds the oldest due job waits that nobody holds at present; 0 when there is none."""
    due = Job.objects.filter(state__in=sorted(DRIVEN), next_at__lte=now, lease_until__lte=now)
    oldest = due.order_by("next_at").values_list("next_at", flat=True).first()
    return int((now - oldest).total_seconds()) if oldest else 0


def _cannot_write() -> bool:
    # A file that cannot be written shows as an engine that does not tick.
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'")
        return bool(cursor.fetchone()[0])
