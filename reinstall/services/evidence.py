"""Collects what can be known of an unclear outcome, by reads only, and keeps each new thing that was seen."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Max

from ecsclient import actions, identity, jobs, traces
from ecsclient.errors import CloudError, NotFound
from ecsclient.session import CloudSession
from reinstall.domain.comparison import compare, new_actions
from reinstall.domain.evidence import BEFORE_INTENT, SIGNATURE_LIFE, Finding, Sent, Sighting, TraceFact
from reinstall.domain.identity import NONE_YET, ServerFacts
from reinstall.domain.redaction import plain_text
from reinstall.domain.spec import canonical_json
from reinstall.domain.states import LIVE_VERDICTS, Verdict
from reinstall.models import Attempt, Evidence, Job, KeyPair, Project
from reinstall.services import readings

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
T = TypeVar("T")

#: How far back the baseline looks for the newest trace of the project.
TRACES_BACK = timedelta(days=1)
#: A service that did not answer is not asked for a baseline again before this.
QUIET_S = 600.0


class _Known(threading.local):
    """What need not be asked again soon, per thread as the sessions are."""

    def __init__(self) -> None:
        self.users: dict[tuple[int, int], str] = {}
        self.quiet_until: dict[tuple[int, str], float] = {}


_known = _Known()


def witnesses(facts: ServerFacts, job: Job, session: CloudSession, clock: Clock) -> ServerFacts:
    """`facts` as a baseline: with the newest action on the server and the newest trace of the project.

    What the cloud does not tell stays empty; a call is not held up for its witnesses.
    """
    key, since = job.project_id, clock() - TRACES_BACK
    listed = _ask((key, "actions"), lambda: actions.instance_actions(session, facts.server_id))
    newest_action = "" if listed is None else (listed[0].request_id if listed else NONE_YET)
    reach = _ask((key, "cts"), lambda: traces.newest_trace(session, since=since) or NONE_YET)
    newest_trace = reach.isoformat() if isinstance(reach, datetime) else reach or ""
    return replace(facts, newest_action=newest_action, newest_trace=newest_trace)


def _ask(key: tuple[int, str], call: Callable[[], T]) -> T | None:
    """The answer; None when the service fails, or failed within the last ten minutes."""
    if time.monotonic() < _known.quiet_until.get(key, 0.0):
        return None
    try:
        return call()
    except CloudError as error:
        log.info("%s could not be read for a baseline: %s", key[1], plain_text(str(error), 200))
        _known.quiet_until[key] = time.monotonic() + QUIET_S
        return None


def last_attempt(job: Job) -> Attempt | None:
    """The attempt that is in doubt: armed, unknown or accepted. At most one of a job is."""
    return job.attempts.filter(verdict__in=sorted(LIVE_VERDICTS)).order_by("-number").first()


def sent_of(job: Job, attempt: Attempt, session: CloudSession) -> Sent:
    """Our call, as the rules compare it."""
    others = Job.objects.filter(server=job.server_id).exclude(pk=job.pk)
    calls = Attempt.objects.filter(job__server=job.server_id, intent_at__lt=attempt.intent_at)
    return Sent(
        intent_at=attempt.intent_at,
        signed_at=attempt.signed_at,
        doubt_since=job.state_since,
        user_id=_own_user_id(job.project, session),
        access_key=session.access_key or "",
        accepted=attempt.verdict == Verdict.ACCEPTED,
        # The cloud has stopped knowing this one, else the job would not be in doubt.
        dead_jobs=frozenset({job.cloud_job_id} - {""}),
        other_jobs=frozenset(others.exclude(cloud_job_id="").values_list("cloud_job_id", flat=True)),
        call_before=calls.aggregate(last=Max("answered_at"))["last"],
    )


def _own_user_id(project: Project, session: CloudSession) -> str:
    key = (project.pk, project.credential_version)
    if not _known.users.get(key):
        # A key pair is seen only by the user that made it, so what was synced names that user.
        owners = set(KeyPair.objects.filter(project=project).values_list("userid", flat=True)) - {""}
        named = owners.pop() if len(owners) == 1 else ""
        _known.users[key] = identity.own_user_id(session) or named
    return _known.users[key]


def collect(job: Job, sent: Sent, session: CloudSession, clock: Clock) -> Sighting:
    """Reads server, disks, actions and traces, and stores what is new of them. Four or five reads."""
    baseline = ServerFacts.from_json(job.baseline)
    after, is_gone = _server(job, session, clock)
    found = _traces(job, sent, session)
    seen = Sighting(
        now=clock(),
        before=baseline,
        after=after,
        traces=found,
        traces_reach=None if found is None else _reach(sent, session, clock()),
        new_actions=() if is_gone else _actions(job, baseline, session),
        gone=is_gone,
    )
    _keep(job, seen, sent)
    return seen


def _server(job: Job, session: CloudSession, clock: Clock) -> tuple[ServerFacts | None, bool]:
    try:
        facts, _ = readings.look_at(session, str(job.server_id))
    except NotFound:
        readings.mark_gone(job, clock())
        return None, True
    except CloudError:
        return None, False
    readings.keep_facts(job, facts, clock())
    return facts, False


def _traces(job: Job, sent: Sent, session: CloudSession) -> tuple[TraceFact, ...] | None:
    since = sent.intent_at - BEFORE_INTENT
    try:
        found = list(traces.list_traces(session, since=since, resource_id=str(job.server_id)))
    except CloudError as error:
        log.info("traces of job %s could not be read: %s", job.pk, plain_text(str(error), 200))
        return None
    # The filter is the cloud's; a record of another server must not decide about this one.
    return tuple(_fact(trace) for trace in found if trace.resource_id == str(job.server_id))


def _fact(trace: traces.TraceRecord) -> TraceFact:
    return TraceFact(
        trace_id=trace.id,
        name=trace.name,
        user_id=trace.user_id,
        at=trace.at,
        job_id=trace.job_id,
        refused=trace.was_refused,
        code=trace.error_code,
        message=trace.error_message,
        user_name=trace.user_name,
        access_key=trace.access_key,
        began=trace.began,
    )


def _reach(sent: Sent, session: CloudSession, now: datetime) -> datetime | None:
    """How far the audit service has been seen to reach, whichever server its newest record is about.

    Asked only once it may prove something: when the signature of the call has expired.
    """
    if sent.signed_at is None or now < sent.signed_at + SIGNATURE_LIFE:
        return None
    try:
        return traces.newest_trace(session, since=sent.intent_at)
    except CloudError:
        return None


def _actions(job: Job, baseline: ServerFacts | None, session: CloudSession) -> tuple[str, ...]:
    if baseline is None or not baseline.newest_action:
        return ()
    try:
        listed = actions.instance_actions(session, str(job.server_id))
    except CloudError:
        return ()
    return new_actions(baseline.newest_action, [(one.request_id, one.action) for one in listed])


def _keep(job: Job, seen: Sighting, sent: Sent) -> None:
    now = seen.now
    for trace in seen.traces or ():
        who = trace.user_name or trace.user_id or "somebody"
        what = f"refused with {trace.code}" if trace.refused else f"job {trace.job_id or 'not named'}"
        data = {"trace_id": trace.trace_id, "name": trace.name, "user": who, "job_id": trace.job_id}
        data |= {"at": trace.at.isoformat(), "code": trace.code, "message": trace.message}
        ours = bool(sent.user_id) and trace.user_id == sent.user_id
        summary = f"Trace {trace.name} by {who}{' (this portal)' if ours else ''}: {what}."
        keep(job, "trace", summary, data, now)
    if seen.traces is None:
        keep(job, "cts", "The cloud's audit traces could not be read.", {}, now)
    if seen.new_actions:
        names = ", ".join(seen.new_actions[:10])
        keep(job, "action", f"New actions on the server: {names}.", {"actions": names}, now)
    if seen.after is not None:
        _keep_status(job, seen.before, seen.after, now)
    elif seen.gone:
        keep(job, "status", "The server is not at the cloud any more.", {"gone": True}, now)


def _keep_status(job: Job, before: ServerFacts | None, after: ServerFacts, now: datetime) -> None:
    """A row whenever the server looks another way than in the last row, also when it looks as it once did."""
    facts = after.to_json()
    rows = Evidence.objects.filter(job=job, kind="status").order_by("-id")
    last = rows.first()
    if last is not None and canonical_json(last.data) == canonical_json(facts):
        return
    changed = [field.label.lower() for field in compare(before, after) if field.changed] if before else []
    state = after.status + (f" ({after.task_state})" if after.task_state else "")
    told = f"other than before the call: {', '.join(changed)}" if changed else "all as before the call"
    keep(job, "status", f"The server is {state}; {told}.", facts, now, nonce=str(rows.count()))


def note_job(job: Job, found: jobs.CloudJob, now: datetime) -> None:
    """Keeps what the cloud says of a job that may be ours."""
    data = {"job_id": found.id, "type": found.type, "status": found.status, "server_id": found.server_id}
    about = "this server" if found.server_id == str(job.server_id) else found.server_id or "no server yet"
    keep(job, "job_query", f"The cloud's job {found.id} is {found.status} and names {about}.", data, now)


def note_finding(job: Job, finding: Finding, now: datetime) -> None:
    """Keeps a verdict that differs from the last one, for the page that proposes what to answer."""
    data = {"decision": finding.decision.value, "job_id": finding.job_id, "code": finding.code}
    rows = Evidence.objects.filter(job=job, kind="verdict").order_by("-id")
    last = rows.first()
    if last is not None and (last.grade, last.summary, last.data) == (finding.grade, finding.sentence, data):
        return
    keep(job, "verdict", finding.sentence, data, now, grade=finding.grade, nonce=str(rows.count()))


def keep(
    job: Job,
    kind: str,
    summary: str,
    data: dict[str, Any],
    now: datetime,
    *,
    grade: str = "",
    nonce: str = "",
) -> None:
    """One thing that was seen; the same thing seen again is not a second row."""
    digest = hashlib.sha256(canonical_json([kind, grade, summary, data, nonce])).hexdigest()
    Evidence.objects.get_or_create(
        job=job,
        kind=kind,
        digest=digest,
        defaults={
            "grade": grade,
            "observed_at": now,
            "summary": plain_text(summary, 500),
            "data": data,
        },
    )


def forget() -> None:
    """Drops what this thread remembers of the clouds (tests, rotated credentials)."""
    _known.users.clear()
    _known.quiet_until.clear()
