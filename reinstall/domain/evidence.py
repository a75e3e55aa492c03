"""What can be known of a call whose outcome is unclear: facts that were read go in, a decision comes out.

Nothing here reads, waits or sends. The grades: E1 the audit trace of our own call with its job, E1' the trace
of its refusal, E2 another system disk and nobody else's trace, E3 the cloud is at work, E4 nothing happened
and nothing can happen any more, E4' the same without proof, E5 what was seen contradicts itself or is
somebody else's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reinstall.domain.answers import MISSING_CODES, REJECTED_CODES
from reinstall.domain.comparison import compare
from reinstall.domain.identity import ServerFacts, prove

#: The gateway refuses a signature this long after its date (API request signing guide).
SIGNATURE_LIFE = timedelta(minutes=15)
#: Signature, the wall clock of the call, a margin for clocks: from then on the request cannot be taken.
SETTLE = SIGNATURE_LIFE + timedelta(minutes=6)
#: A server at which the cloud is at work gets longer.
SETTLE_BUSY = timedelta(hours=2)
#: Records of the audit service come late: so long a new disk waits for the one that tells who made it.
TRACE_PATIENCE = timedelta(minutes=10)
#: Clocks differ: an operation may be recorded this long before our intent and still be ours.
BEFORE_INTENT = timedelta(minutes=2)

#: Operations that replace a system disk, by the names the clouds of the family record them under.
REBUILDS = frozenset({"reinstallOs", "reinstallOsV2", "reInitOs", "changeOs", "changeOsV2"})
#: Those of them that our own call is recorded as.
REINSTALLS = frozenset({"reinstallOs", "reinstallOsV2", "reInitOs"})


class Grade(StrEnum):
    """How much the evidence proves."""

    E1 = "E1"
    E1_REFUSED = "E1'"
    E2 = "E2"
    E3 = "E3"
    E4 = "E4"
    E4_UNPROVEN = "E4'"
    E5 = "E5"
    NONE = ""


class Decision(StrEnum):
    """What follows. ADOPT still needs the job query to name this server."""

    ADOPT = "adopt"
    REJECT = "reject"
    VERIFY = "verify"
    NOT_APPLIED = "not_applied"
    WAIT = "wait"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class TraceFact:
    """A record of the audit service about this server."""

    trace_id: str
    name: str
    user_id: str
    at: datetime
    job_id: str = ""
    refused: bool = False
    code: str = ""
    message: str = ""
    user_name: str = ""
    access_key: str = ""
    began: datetime | None = None

    @property
    def started(self) -> datetime:
        """When the operation began, also where the record is of its end."""
        return self.began or self.at


@dataclass(frozen=True, slots=True)
class Sent:
    """Our call. `signed_at` is None for a token call, which nothing expires; `user_id` is "" where the cloud
    did not tell which user we are. `accepted`: the cloud took it and lost track of its job later."""

    intent_at: datetime
    signed_at: datetime | None
    doubt_since: datetime
    user_id: str = ""
    access_key: str = ""
    accepted: bool = False
    #: Job ids the cloud does not know (any more), or that are about something else.
    dead_jobs: frozenset[str] = frozenset()
    #: Job ids that belong to other jobs of this portal, and when the last call before ours was over.
    other_jobs: frozenset[str] = frozenset()
    call_before: datetime | None = None

    @property
    def not_before(self) -> datetime:
        """What began earlier than this is not our call."""
        slack = self.intent_at - BEFORE_INTENT
        return max(slack, self.call_before) if self.call_before else slack


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was read at one moment. None: could not be read. `traces_reach` is the time of the newest record
    of the whole project."""

    now: datetime
    before: ServerFacts | None
    after: ServerFacts | None
    traces: tuple[TraceFact, ...] | None = None
    traces_reach: datetime | None = None
    new_actions: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The grade, what follows, and a sentence for the job page. ADOPT has a `job_id`, REJECT a `code`."""

    grade: Grade
    decision: Decision
    sentence: str
    job_id: str = ""
    code: str = ""


def judge(sent: Sent, seen: Sighting, *, auto_not_applied: bool) -> Finding:
    """The one finding on what was seen. Total: every sighting has one, and none of them sends."""
    if seen.gone:
        return _person(Grade.NONE, "The server is not at the cloud any more.")
    return (
        _by_traces(sent, seen)
        or _by_disks(sent, seen)
        or _at_work(sent, seen)
        or _nothing(sent, seen, auto_not_applied)
    )


def _by_traces(sent: Sent, seen: Sighting) -> Finding | None:
    rebuilds = [t for t in _unique(seen.traces or ()) if _is_a_rebuild(sent, t)]
    done = [t for t in rebuilds if not t.refused]
    foreign = [t for t in done if sent.user_id and not _ours(sent, t)]
    if foreign:
        who = foreign[0].user_name or foreign[0].user_id
        return _person(
            Grade.E5, f"{who} had this server reinstalled at the cloud at the same time ({foreign[0].name})."
        )
    jobs = sorted({t.job_id for t in done if t.job_id})
    if len(jobs) > 1:
        return _person(Grade.E5, f"The cloud recorded {len(jobs)} reinstalls of this server at this time.")
    if jobs and not sent.user_id:
        sentence = f"The cloud recorded a reinstall (job {jobs[0]}), but not whether it was this portal's."
        return Finding(Grade.NONE, Decision.ATTENTION, sentence, job_id=jobs[0])
    if jobs and jobs[0] not in sent.dead_jobs and any(_is_our_call(sent, t) for t in done):
        return Finding(Grade.E1, Decision.ADOPT, f"The cloud recorded our call: job {jobs[0]}.", jobs[0])
    return None if done else _by_refusals(sent, seen, rebuilds)


def _by_refusals(sent: Sent, seen: Sighting, rebuilds: list[TraceFact]) -> Finding | None:
    """A record that our call was refused, with a code that means "no" and nothing else."""
    clear = [
        t
        for t in rebuilds
        if t.refused and _is_our_call(sent, t) and t.code in REJECTED_CODES | MISSING_CODES
    ]
    if not clear:
        return None
    if sent.accepted or _disk_changed(seen):
        return _person(Grade.E5, f"The cloud recorded a refusal ({clear[0].code}), but the server changed.")
    if seen.after is None or _is_busy(seen.after):
        return None
    if seen.now - sent.intent_at < TRACE_PATIENCE:
        sentence = f"The cloud recorded a refusal ({clear[0].code}); waiting whether anything contradicts it."
        return Finding(Grade.E1_REFUSED, Decision.WAIT, sentence)
    said = f"The cloud recorded that it refused the call: {clear[0].message or clear[0].code}"
    return Finding(Grade.E1_REFUSED, Decision.REJECT, said, code=clear[0].code)


def _by_disks(sent: Sent, seen: Sighting) -> Finding | None:
    if seen.before is None or seen.after is None or seen.after.system_disk is None or _is_busy(seen.after):
        return None
    if prove(seen.before, seen.after).system_is_new:
        told = any(_is_a_rebuild(sent, t) for t in seen.traces or ())
        if seen.traces is not None and not told and seen.now - sent.intent_at < TRACE_PATIENCE:
            sentence = "The system disk is another one; waiting for the cloud's record of who replaced it."
            return Finding(Grade.E2, Decision.WAIT, sentence)
        note = "The system disk is another one than before: the request was carried out."
        return Finding(Grade.E2, Decision.VERIFY, note)
    return _person(Grade.E5, "A data disk of before is the system disk now.") if _disk_changed(seen) else None


def _at_work(sent: Sent, seen: Sighting) -> Finding | None:
    """Something goes on: longer patience, no verdict."""
    if seen.after is None:
        sentence, grade = "The server could not be read.", Grade.NONE
    elif _is_busy(seen.after):
        sentence = f"The cloud is at work on the server ({seen.after.task_state or seen.after.status})."
        grade = Grade.E3
    elif seen.after.system_disk is None:
        sentence, grade = "The server has no system disk at the moment.", Grade.E3
    elif seen.new_actions:
        sentence = f"The cloud lists new actions on the server ({', '.join(seen.new_actions[:3])})."
        grade = Grade.E3
    else:
        return None
    return _until(sent.doubt_since + SETTLE_BUSY, seen, grade, sentence)


def _nothing(sent: Sent, seen: Sighting, auto_not_applied: bool) -> Finding:
    """Nothing has changed. Before the request has expired that says nothing; after that it may."""
    start = sent.doubt_since if sent.accepted else sent.intent_at
    if seen.now < start + SETTLE:
        return Finding(Grade.NONE, Decision.WAIT, "Nothing has changed on the server so far.")
    if sent.accepted:
        return _person(Grade.NONE, "The cloud took the request, but nothing has changed on the server.")
    why = why_unproven(sent, seen)
    if why:
        return _person(Grade.E4_UNPROVEN, f"Nothing has changed on the server. {why}")
    proof = "Nothing has changed on the server, the request has expired, and the cloud recorded no such call."
    return Finding(Grade.E4, Decision.NOT_APPLIED if auto_not_applied else Decision.ATTENTION, proof)


def why_unproven(sent: Sent, seen: Sighting) -> str:
    """Why "nothing happened" is no proof that nothing will or did, as a sentence; "" when it is one."""
    if sent.signed_at is None:
        return "The call was made with a token, which does not expire with the call."
    if seen.before is None or any(field.changed for field in compare(seen.before, seen.after)):
        return "But the server is not in every respect what it was before."
    if seen.traces is None:
        return "The cloud's audit traces cannot be read."
    # What the audit service has shown must reach past the last moment at which the call could be taken.
    if seen.traces_reach is None or seen.traces_reach < sent.signed_at + SIGNATURE_LIFE:
        return "The cloud's audit traces have not been seen to reach this far; they may be off."
    if any(_is_a_rebuild(sent, t) for t in seen.traces):
        return "But the cloud recorded such a call."
    return ""


def _until(deadline: datetime, seen: Sighting, grade: Grade, sentence: str) -> Finding:
    if seen.now < deadline:
        return Finding(grade, Decision.WAIT, sentence)
    return _person(grade, f"{sentence} It has been so for too long.")


def _person(grade: Grade, sentence: str) -> Finding:
    return Finding(grade, Decision.ATTENTION, sentence)


def _unique(traces: Iterable[TraceFact]) -> list[TraceFact]:
    """Each record once, oldest first."""
    return sorted({t.trace_id: t for t in traces}.values(), key=lambda t: t.at)


def _is_a_rebuild(sent: Sent, trace: TraceFact) -> bool:
    """Whether this is a rebuild, or the try of one, that may be our call or collide with it."""
    in_time = trace.started >= sent.not_before
    return trace.name in REBUILDS and in_time and trace.job_id not in (sent.other_jobs - {""})


def _ours(sent: Sent, trace: TraceFact) -> bool:
    same_key = not (trace.access_key and sent.access_key) or trace.access_key == sent.access_key
    return trace.user_id == sent.user_id and same_key


def _is_our_call(sent: Sent, trace: TraceFact) -> bool:
    """By user, name and time. The record of the end of a job counts by when that job began."""
    in_window = sent.not_before <= trace.started <= sent.intent_at + SETTLE
    return bool(sent.user_id) and _ours(sent, trace) and trace.name in REINSTALLS and in_window


def _is_busy(facts: ServerFacts) -> bool:
    return bool(facts.task_state) or facts.status == "REBUILD"


def _disk_changed(seen: Sighting) -> bool:
    old = seen.before.system_disk if seen.before else None
    new = seen.after.system_disk if seen.after else None
    return old is not None and new is not None and old.volume_id != new.volume_id
