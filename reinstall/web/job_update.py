"""What changes on an open job page: rendered once per version of the job, whoever watches."""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.template.loader import render_to_string
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.domain.signs import doubt
from reinstall.domain.states import CANCELLABLE, UNCLEAR, JobState
from reinstall.selectors.evidence import EvidenceView, evidence_of, has_signs
from reinstall.selectors.jobs import JobView, exchanges, get_job

#: The parts of the page, by the id of the element each of them is.
PARTS = (
    *("head", "outcome", "proposed", "signs", "sent", "compared", "after", "progress", "steps", "exchange"),
    *("held", "disks", "identifiers"),
)
#: Placed where a form was, once there is nothing to cancel, or to settle, any more.
NO_CANCEL = '<div id="job-cancel"></div>'
NO_SETTLE = '<div id="job-settle"></div>'
NO_SECOND = '<div id="job-second"></div>'
#: States in which the clock of the run is shown. Not while the outcome is unclear: a bar that grows would say
#: that the cloud is at work.
TIMED = frozenset({JobState.SUBMITTING, JobState.RUNNING, JobState.VERIFYING})
KEPT = 256


@dataclass(frozen=True, slots=True)
class Update:
    """One version of a job's page as JSON text (one line), and whether it is the last."""

    stamp: str
    text: str
    done: bool


_kept: OrderedDict[int, Update] = OrderedDict()
_lock = threading.Lock()


def update_of(actor: Actor, job_id: int, stamp: str) -> Update:
    """The update for `stamp`. The actor may see the job; what is rendered is the same for everybody."""
    with _lock:
        kept = _kept.get(job_id)
    if kept is not None and kept.stamp == stamp:
        return kept
    job = get_job(actor, job_id)
    update = Update(job.stamp, json.dumps(_document(actor, job)), job.done)
    with _lock:
        _kept[job_id] = update
        _kept.move_to_end(job_id)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return update


def job_context(actor: Actor, job: JobView, now: datetime) -> dict[str, object]:
    """Context of the page and of its parts alike. `since` is when the shown clock started.

    `evidence` is None where the outcome never was in doubt.
    """
    unclear = job.state in UNCLEAR
    evidence = evidence_of(actor, job.id) if unclear or has_signs(job.id) else None
    sent, answer = (evidence.sent, evidence.answer) if evidence else (None, None)
    return {
        "job": job,
        "unclear": unclear,
        "evidence": evidence,
        "last_look": _last_look(job, evidence),
        "doubt": doubt(job.server_name, sent.verdict if sent else "", answer.status if answer else None),
        "exchanges": exchanges(actor, job.id),
        "since": now - timedelta(seconds=job.progress.elapsed_s),
        "timed": job.state in TIMED,
        "leave_alone": job.after is not None and now < job.after.leave_alone_until,
    }


def _last_look(job: JobView, evidence: EvidenceView | None) -> datetime | None:
    """When the cloud was last asked. The look that ends in a conclusion is kept with that only."""
    seen = [row.observed_at for row in evidence.rows if row.kind != "operator"] if evidence else []
    return max([*seen, *([job.polled_at] if job.polled_at else [])], default=None)


def _document(actor: Actor, job: JobView) -> dict[str, object]:
    context = job_context(actor, job, timezone.now())
    html: dict[str, str] = {
        f"job-{part}": render_to_string(f"reinstall/jobs/_{part}.html", context) for part in PARTS
    }
    # Whether it is theirs to press is not the same for everybody; whether there is a button at all, is.
    if job.state not in CANCELLABLE:
        html["job-cancel"] = NO_CANCEL
    if job.state not in UNCLEAR:
        html["job-settle"] = NO_SETTLE
    evidence = context["evidence"]
    pending = isinstance(evidence, EvidenceView) and evidence.pending is not None
    if not pending:
        html["job-second"] = NO_SECOND
    forms = {"job-settle": job.state in UNCLEAR, "job-second": pending}
    return {
        "title": render_to_string("reinstall/jobs/_title.txt", context).strip(),
        "tone": job.tone,
        "announce": job.headline,
        "html": html,
        # Forms hold what belongs to the person: a page without one fetches its own.
        "forms": [name for name, shown in forms.items() if shown],
        "done": job.done,
    }
