"""Whether the portal can do its work: database, migrations, a ticking engine, nothing overdue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from reinstall.domain.states import DRIVEN
from reinstall.models import EngineTick, Job

TICK_MAX_AGE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ready when there are no `problems` (sentences). oldest_due_s: how long the oldest due job waits."""

    problems: tuple[str, ...]
    oldest_due_s: int

    @property
    def ready(self) -> bool:
        return not self.problems


def readiness(now: datetime) -> Readiness:
    """Asks the database. Never raises for a database that is away: that is one of the answers."""
    try:
        pending = _pending_migrations()
        if pending:
            return Readiness((f"{pending} migrations are not applied.",), 0)
        problems = [] if _ticked(now) else ["The engine has not looked for due jobs for 120 s."]
        return Readiness(tuple(problems), _oldest_due_s(now))
    except DatabaseError as error:
        return Readiness((f"The database does not answer ({type(error).__name__}).",), 0)


def _pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _ticked(now: datetime) -> bool:
    return EngineTick.objects.filter(at__gte=now - TICK_MAX_AGE).exists()


def _oldest_due_s(now: datetime) -> int:
    due = Job.objects.filter(state__in=sorted(DRIVEN), next_at__lte=now).order_by("next_at")
    oldest = due.values_list("next_at", flat=True).first()
    return int((now - oldest).total_seconds()) if oldest else 0
