"""Keeps what was said to the cloud for a job: masked, cut; polls with nothing new count on one row."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db.models import F, Max

from ecsclient.exchange import Exchange as Call
from ecsclient.transport import OneShotResult
from reinstall.domain.redaction import plain_text, shown_request, shown_response
from reinstall.domain.states import JobState
from reinstall.models import Exchange, Job

if TYPE_CHECKING:
    # For the type alone: only services.submission may reach the destructive call.
    from ecsclient.reinstallos import PreparedReinstall


def note_call(job: Job, call: Call) -> None:
    """Stores one call. Never raises for what the cloud said; the call itself is over."""
    path, outcome = call.path.split("?", 1)[0][:500], _outcome(call.status, call.response_body)
    # The first look asks each question once: there is nothing to fold, and nothing to search for.
    first = job.state == JobState.PREFLIGHT and not job.tries
    earlier = _earlier(job, path, outcome, call) if call.method == "GET" and not first else None
    if earlier is not None:
        Exchange.objects.filter(pk=earlier.pk).update(
            times=earlier.times + 1,
            last_at=call.at,
            duration_ms=round(call.duration_ms),
            response_body=shown_response(call.response_body),
        )
        return
    Exchange.objects.create(
        job=job,
        at=call.at,
        last_at=call.at,
        method=call.method,
        path=path,
        status=call.status,
        outcome=outcome,
        duration_ms=round(call.duration_ms),
        request_id=plain_text(call.request_id, 80),
        request_body=shown_request(call.request_body),
        response_body=shown_response(call.response_body),
        error=plain_text(call.error, 500),
    )


def note_again(calls: Mapping[int, Call]) -> None:
    """Counts calls that brought what the last call of the same job had brought, by the job's id, all at once.

    What turns out to be new gets a row of its own, as `note_call` does.
    """
    newest = Exchange.objects.filter(job__in=calls).order_by().values("job").annotate(last=Max("pk"))
    rows = Exchange.objects.filter(pk__in=newest.values("last")).defer("request_body", "response_body")
    same = []
    for row in rows:
        call = calls[row.job_id]
        path, outcome = call.path.split("?", 1)[0][:500], _outcome(call.status, call.response_body)
        if _same(row, path, outcome, call.status):
            same.append(row)
    at = max((call.at for call in calls.values()), default=None)
    Exchange.objects.filter(pk__in=[row.pk for row in same]).update(times=F("times") + 1, last_at=at)
    known = {row.job_id for row in same}
    for job in Job.objects.filter(pk__in=set(calls) - known):
        note_call(job, calls[job.pk])


def note_submission(job: Job, prepared: "PreparedReinstall", result: OneShotResult) -> None:
    """Stores the one destructive call, its body masked."""
    Exchange.objects.create(
        job=job,
        at=result.started_at,
        last_at=result.started_at,
        method="POST",
        path=prepared.path[:500],
        status=result.status,
        outcome="sent once" if result.status is not None else "no answer",
        duration_ms=round(result.duration_ms),
        request_body=shown_request(prepared.body),
        response_body=shown_response(result.body),
        error=plain_text(result.error, 500),
    )


def _earlier(job: Job, path: str, outcome: str, call: Call) -> Exchange | None:
    """The row of the read that brought what `call` brings.

    Polls of one job of the cloud in a row are one by the word they bring. Looks for evidence read several
    addresses in turn: those are one while the whole answer stays as it was, and never across a call that
    changes something, for before and after it are two things.
    """
    rows = Exchange.objects.filter(job=job).order_by("-id")
    last = rows.first()
    if last is not None and "/jobs/" in path and _same(last, path, outcome, call.status):
        return last
    row = last if last is not None and last.path == path else rows.filter(path=path).first()
    if row is None or not _same(row, path, outcome, call.status):
        return None
    now_told = (shown_response(call.response_body), plain_text(call.error, 500))
    told_again = (row.response_body, row.error) == now_told
    return row if told_again and not rows.filter(pk__gt=row.pk).exclude(method="GET").exists() else None


def _same(last: Exchange, path: str, outcome: str, status: int | None) -> bool:
    return (last.method, last.path, last.outcome, last.status) == ("GET", path, outcome, status)


def _outcome(status: int | None, body: bytes) -> str:
    """A word for the answer: a job's status, a server's status, an error code, or nothing."""
    if status is None:
        return "no answer"
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    inner = value.get("server") or value.get("error") or value
    word = (inner.get("status") or inner.get("code") or "") if isinstance(inner, dict) else ""
    return plain_text(str(word), 80)
