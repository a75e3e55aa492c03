"""Rows of job lists: what one line says of a job."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from reinstall.domain import words
from reinstall.domain.afterwards import leave_alone_until
from reinstall.domain.lateness import lateness
from reinstall.domain.states import JobState
from reinstall.models import Job

#: What `job_row` needs to know, as `values()` names it.
COLUMNS = (
    *("id", "order_id", "server_id", "server_name", "project__slug", "project__environment", "state"),
    *("state_since", "waiting_for", "cloud_status", "failure_code", "failure_message"),
    *("order__requested_by_name", "order__reason", "created_at", "sent_at", "ended_at", "cloud_job_id"),
    *("cloud_ended_at", "order__approval__ended_at"),
)
#: And the database's clock, for what a job is late by.
READ_AT = {"read_at": Now()}


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job of a list. `step` is a sentence: the current step, or the cause of a bad end.

    lateness: "", overdue (15 minutes) or stuck (2 hours): a badge, the job goes on as it is.
    leave_alone_until: set while the login of a server that was just reinstalled is being written.
    took_s: seconds from the request going out to the end; None while it runs and when nothing was sent.
    """

    id: int
    order_id: int
    server_id: uuid.UUID
    server_name: str
    project_slug: str
    environment: str
    state: str
    state_since: datetime
    step: str
    requested_by: str
    reason: str
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    took_s: int | None
    cloud_job_id: str
    lateness: str
    leave_alone_until: datetime | None


def job_rows(found: Iterable[Mapping[str, Any]]) -> tuple[JobRow, ...]:
    """The rows of `found` (read with COLUMNS and READ_AT), in their order; asks the database nothing."""
    return tuple(_job_row(facts) for facts in found)


def _job_row(facts: Mapping[str, Any]) -> JobRow:
    sent, ended = facts["sent_at"], facts["ended_at"]
    return JobRow(
        id=facts["id"],
        order_id=facts["order_id"],
        server_id=facts["server_id"],
        server_name=facts["server_name"],
        project_slug=facts["project__slug"],
        environment=facts["project__environment"],
        state=facts["state"],
        state_since=facts["state_since"],
        step=words.step_sentence(
            JobState(facts["state"]),
            waiting_for=facts["waiting_for"],
            cloud_status=facts["cloud_status"],
            code=facts["failure_code"],
            message=facts["failure_message"],
        ),
        requested_by=facts["order__requested_by_name"],
        reason=facts["order__reason"],
        created_at=facts["created_at"],
        sent_at=sent,
        ended_at=ended,
        took_s=int((ended - sent).total_seconds()) if sent and ended else None,
        cloud_job_id=facts["cloud_job_id"],
        lateness=lateness(
            facts["state"],
            sent or facts["order__approval__ended_at"] or facts["created_at"],
            facts["read_at"],
        ),
        leave_alone_until=_leave_alone(facts),
    )


def _leave_alone(facts: Mapping[str, Any]) -> datetime | None:
    if facts["state"] != JobState.SUCCEEDED or facts["ended_at"] is None:
        return None
    until = leave_alone_until(
        cloud_ended_at=facts["cloud_ended_at"], sent_at=facts["sent_at"], ended_at=facts["ended_at"]
    )
    return until if facts["read_at"] < until else None


def rows_of_server(server_id: uuid.UUID, limit: int) -> tuple[JobRow, ...]:
    """The newest jobs of a server. The caller has made sure that the server may be seen."""
    newest = Job.objects.filter(server=server_id).order_by("-created_at", "-id")
    return job_rows(newest.values(*COLUMNS, **READ_AT)[:limit])


def rows_of_order(order_id: int) -> tuple[JobRow, ...]:
    """The jobs of an order, in its order. The caller has made sure that the order may be seen."""
    return job_rows(Job.objects.filter(order=order_id).order_by("position", "id").values(*COLUMNS, **READ_AT))
