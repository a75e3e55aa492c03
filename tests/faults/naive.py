"""A worker as many are written: on any error, try again. It exists to be stopped by the database."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, transaction
from django.utils.timezone import now

from ecsclient.reinstallos import prepare_reinstall, send_reinstall
from reinstall.domain.states import JobState, Verdict
from reinstall.models import Attempt, Job
from reinstall.services import links, requests


@dataclass
class NaiveWorker:
    """Sends until an answer looks good, whatever lease and state; `refused` counts the database's noes."""

    refused: int = 0
    sent: list[str] = field(default_factory=list)

    def once(self, job: Job) -> bool:
        """One try; False when it is to be tried again."""
        try:
            return self._try(job)
        except DatabaseError:
            self.refused += 1
            return False

    def _try(self, job: Job) -> bool:
        session = links.session_of(job.project)
        body = requests.spec_of_order(job.order).request_bytes()
        signed_at: datetime = now().replace(microsecond=0)
        prepared = prepare_reinstall(session, server_id=str(job.server_id), body=body, signed_at=signed_at)
        with transaction.atomic():
            attempt = Attempt.objects.create(
                job=job,
                number=job.attempts.count() + 1,
                verdict=Verdict.ARMED,
                body_sha256=prepared.body_sha256,
                signed_at=signed_at,
                intent_at=now(),
            )
        self.sent.append(str(job.server_id))
        result = send_reinstall(prepared, connect_timeout=2, read_timeout=2, wall=4)
        good = result.status == 200 and result.complete
        attempt.verdict = Verdict.ACCEPTED if good else Verdict.UNKNOWN
        attempt.save()
        if good:
            Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, cloud_job_id="found")
        return good
