"""All that is known of a job whose outcome is unclear: for the page on which a person settles it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reinstall.domain.actors import Actor
from reinstall.domain.comparison import FieldChange, compare
from reinstall.domain.errors import NotFound
from reinstall.domain.evidence import SETTLE, Decision
from reinstall.domain.identity import ServerFacts
from reinstall.domain.roles import Right
from reinstall.domain.spec import call_path
from reinstall.domain.states import LIVE_VERDICTS, UNCLEAR, JobState
from reinstall.models import Attempt, Evidence, Exchange, Job, Order, Project
from reinstall.selectors.projects import may
from reinstall.selectors.proposals import PendingView, others_may_settle, pending_of, two_needed


@dataclass(frozen=True, slots=True)
class SentView:
    """What left the portal, or was about to. `body` is masked. `may_arrive_until`: a request nobody saw
    answered can be taken until then; None where it was answered, or was made with a token."""

    number: int
    verdict: str
    intent_at: datetime
    signed_at: datetime | None
    may_arrive_until: datetime | None
    path: str
    body: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What came back: `phase` is how far the call got, `body` is redacted and cut. No answer: status None."""

    phase: str
    status: int | None
    code: str
    message: str
    request_id: str
    body: str
    error: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One thing that was seen. `grade` is E1, E1', E2, E3, E4, E4', E5 or "" for what proves nothing."""

    kind: str
    grade: str
    observed_at: datetime
    summary: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the evidence suggests to answer: one of the answers of services.settle, or "" for none."""

    answer: str
    cloud_job_id: str
    grade: str
    sentence: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """Call, answer, server before and now, all sightings (oldest first), and what they suggest.

    `compared` is empty when there is no baseline or nobody has looked since; `compared_at` is when that was.
    `answers` are those that make sense for this job; empty when it is not open, or not for this person.
    `second_person`: "never_ran" has to be confirmed by another person; `others`: somebody else may do that.
    `pending`: what was proposed and waits for it.
    """

    job_id: int
    server_name: str
    state: str
    state_since: datetime
    waiting_for: str
    sent: SentView | None
    answer: AnswerView | None
    compared: tuple[FieldChange, ...]
    compared_at: datetime | None
    rows: tuple[EvidenceRow, ...]
    proposal: Proposal
    answers: tuple[str, ...]
    next_look_at: datetime | None
    second_person: bool
    others: bool
    pending: PendingView | None


def evidence_of(actor: Actor, job_id: int) -> EvidenceView:
    """The view of one job, in whatever state. Raises NotFound, also when it is not theirs."""
    visible = Job.objects.filter(project__in=Project.objects.visible_to(actor))
    job = visible.select_related("project", "order").filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"There is no job #{job_id}.")
    rows = list(Evidence.objects.filter(job=job).order_by("id"))
    attempt = Attempt.objects.filter(job=job).order_by("-number").first()
    call = (
        Exchange.objects.filter(job=job, method="POST", path__endswith="/reinstallos").order_by("-id").first()
    )
    compared, compared_at = _compared(job, rows)
    open_ = job.state in UNCLEAR
    may_settle = open_ and may(actor, job.project, Right.SETTLE)
    two = open_ and two_needed(job, in_doubt=attempt is not None and attempt.verdict in LIVE_VERDICTS)
    pending = pending_of(actor, job, may_settle=may_settle) if open_ else None
    return EvidenceView(
        job_id=job.pk,
        server_name=job.server_name,
        state=job.state,
        state_since=job.state_since,
        waiting_for=job.waiting_for,
        sent=_sent(job, attempt, call),
        answer=_answer(attempt, call),
        compared=compared,
        compared_at=compared_at,
        rows=tuple(EvidenceRow(r.kind, r.grade, r.observed_at, r.summary, r.data) for r in rows),
        proposal=_proposal(rows),
        answers=_answers(job, attempt, proposed=two and pending is not None) if may_settle else (),
        next_look_at=job.next_at if job.state == JobState.UNCERTAIN else None,
        second_person=two,
        others=two and others_may_settle(job.project, actor.user_id),
        pending=pending,
    )


def has_signs(job_id: int) -> bool:
    """Whether anything was kept about the outcome of a job the actor may see."""
    return Evidence.objects.filter(job=job_id).exists()


def _sent(job: Job, attempt: Attempt | None, call: Exchange | None) -> SentView | None:
    if attempt is None:
        return None
    unanswered = not attempt.phase and attempt.signed_at is not None
    return SentView(
        number=attempt.number,
        verdict=attempt.verdict,
        intent_at=attempt.intent_at,
        signed_at=attempt.signed_at,
        may_arrive_until=attempt.intent_at + SETTLE if unanswered else None,
        # Without a record of the call its worker died at it; what it had in hand is in the order.
        path=call.path if call else call_path(job.project.project_id, str(job.server_id), job.call_version),
        body=call.request_body if call else _masked(job.order),
        body_sha256=attempt.body_sha256,
    )


def _masked(order: Order) -> str:
    """The body as `domain.spec.mask_body` shows it, without opening what is sealed."""
    metadata: dict[str, str] = {"BYOL": "true"} if order.byol else {}
    if order.user_data_bytes:
        metadata["user_data"] = f"hidden: {order.user_data_bytes:,} B, sha256 {order.user_data_sha256}"
    if order.encrypted is not None:
        metadata["__system__encrypted"] = "1" if order.encrypted else "0"
    if order.cmkid:
        metadata["__system__cmkid"] = order.cmkid
    fields = {
        "keyname": order.keyname,
        "userid": order.userid,
        "adminpass": "hidden" if order.password_set else "",
        "mode": order.mode,
        "metadata": metadata,
    }
    return json.dumps({"os-reinstall": {name: value for name, value in fields.items() if value}}, indent=2)


def _answer(attempt: Attempt | None, call: Exchange | None) -> AnswerView | None:
    """None where the portal's worker died before it could store one."""
    if attempt is None or not attempt.phase:
        return None
    return AnswerView(
        phase=attempt.phase,
        status=attempt.status,
        code=attempt.code,
        message=attempt.message,
        request_id=attempt.request_id,
        body=call.response_body if call else "",
        error=call.error if call else "",
        at=attempt.answered_at,
    )


def _compared(job: Job, rows: list[Evidence]) -> tuple[tuple[FieldChange, ...], datetime | None]:
    """The baseline against the last look: of the search for evidence, else of the check after the end."""
    before = ServerFacts.from_json(job.baseline)
    looks = [row for row in rows if row.kind == "status" and "server_id" in row.data]
    if before is None:
        return (), None
    if job.found_after and (not looks or looks[-1].observed_at <= job.state_since):
        return compare(before, ServerFacts.from_json(job.found_after)), job.state_since
    if looks:
        return compare(before, ServerFacts.from_json(looks[-1].data)), looks[-1].observed_at
    return (), None


_SUGGESTED = {
    Decision.ADOPT.value: "ran_job",
    Decision.VERIFY.value: "ran_unknown",
    Decision.NOT_APPLIED.value: "never_ran",
}


def _proposal(rows: list[Evidence]) -> Proposal:
    last = next((row for row in reversed(rows) if row.kind == "verdict"), None)
    if last is None:
        return Proposal("", "", "", "")
    job_id = str(last.data.get("job_id", ""))
    answer = _SUGGESTED.get(str(last.data.get("decision", "")), "")
    if not answer and job_id:
        answer = "ran_job"
    if not answer and last.grade in ("E4", "E4'"):
        answer = "never_ran"
    return Proposal(answer, job_id, last.grade, last.summary)


def _answers(job: Job, attempt: Attempt | None, *, proposed: bool) -> tuple[str, ...]:
    """`proposed`: somebody has said that it never ran; what is left of that is to confirm it."""
    never = () if proposed else ("never_ran",)
    if attempt is None:
        return never
    checked = ("ran_job", "ran_unknown", *never)
    return (*checked, "ran_well", "ran_badly") if job.state == JobState.ATTENTION else checked
