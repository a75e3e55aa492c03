"""The one bell: services ring it after commit, the project decides what hears it. Hints only, may be lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction
from django.dispatch import Signal

#: A job may have something to do now. Carries job_id.
job_due = Signal()
#: A job's row changed; live pages look again. Carries job_id.
job_changed = Signal()
#: Somebody asked for a reading of the inventory. Carries run_id.
sync_due = Signal()

#: True where a job is being moved by somebody who holds it: nobody else could take it up.
_held: ContextVar[bool] = ContextVar("held", default=False)


@contextmanager
def held() -> Iterator[None]:
    """Within, moves do not say that the job is due. Whoever holds it does so itself once it is free."""
    before = _held.set(True)
    try:
        yield
    finally:
        _held.reset(before)


def due_now(job_id: int) -> None:
    """Says at once that a job may have something to do, and that nobody holds it."""
    job_due.send_robust(sender=None, job_id=job_id)


def ring(job_id: int, *, due: bool) -> None:
    """After the current transaction commits, says that the job changed, and that it is due if `due`."""

    def _ring() -> None:
        if due and not _held.get():
            job_due.send_robust(sender=None, job_id=job_id)
        job_changed.send_robust(sender=None, job_id=job_id)

    transaction.on_commit(_ring, robust=True)


def sync_asked_for(run_id: int) -> None:
    """After the current transaction commits, says that a reading was asked for."""
    transaction.on_commit(lambda: sync_due.send_robust(sender=None, run_id=run_id), robust=True)
