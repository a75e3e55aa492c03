"""The one bell: services ring it after commit, the project decides what hears it. Hints only, may be lost."""

from django.db import transaction
from django.dispatch import Signal

#: A job may have something to do now. Carries job_id.
job_due = Signal()
#: A job's row changed; live pages look again. Carries job_id.
job_changed = Signal()


def ring(job_id: int, *, due: bool) -> None:
    """After the current transaction commits, says that the job changed, and that it is due if `due`."""

    def _ring() -> None:
        if due:
            job_due.send_robust(sender=None, job_id=job_id)
        job_changed.send_robust(sender=None, job_id=job_id)

    transaction.on_commit(_ring, robust=True)
