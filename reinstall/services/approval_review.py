"""What an approver is shown: what the requester saw, and the same checks run now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.domain.identity import ServerFacts
from reinstall.domain.sealing import CannotOpen
from reinstall.domain.spec import ReinstallSpec, user_data_warnings
from reinstall.domain.verdicts import Check, Level
from reinstall.models import Approval, Job, Project, Server
from reinstall.services import approvals, checks, glance, requests
from reinstall.services.previews import Preview, curl_of, requests_of

#: The check that says a server is another than it was; what it finds ends an approval.
CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Review:
    """An approval looked over. servers: as the requester saw them. preview: the checks as of now, and the
    exact requests that were asked for. void: why nobody may agree to it any more, "" for nothing."""

    approval: Approval
    servers: tuple[ServerFacts, ...]
    preview: Preview
    void: str

    @property
    def must_fix(self) -> tuple[Check, ...]:
        """What keeps it from being approved as things are now."""
        return tuple(check for check in self.preview.checks if check.level is Level.MUST_FIX)


def visible(actor: Actor, approval_id: int) -> Approval:
    """The approval, of a project the actor sees. Raises NotFound."""
    found = approvals.with_people().filter(project__in=Project.objects.visible_to(actor).values("pk"))
    approval = found.filter(pk=approval_id).first()
    if approval is None:
        raise NotFound(f"There is no approval {approval_id}.")
    return approval


def review_approval(*, actor: Actor, now: datetime, approval_id: int) -> Review:
    """An approval with its checks, after a glance at the cloud where it is open. Raises NotFound."""
    return review(visible(actor, approval_id), now)


def review(approval: Approval, now: datetime) -> Review:
    """As `review_approval`, of one that was let through already."""
    jobs = _jobs(approval)
    seen = tuple(requests.snapshot_of(job) for job in jobs)
    try:
        spec = requests.spec_of_order(approval.order)
    except CannotOpen:
        return Review(approval, seen, _unreadable(jobs), "")
    calls = [(requests.version_of(job), job.request_hash) for job in jobs]
    previews = requests_of(approval.project, seen, calls, spec)
    curl = curl_of(approval.project, previews)
    if approval.end or not jobs:
        names = tuple(job.server_name for job in jobs)
        return Review(approval, seen, Preview((), (), names, previews, (), curl, False), "")
    void = approvals.why_void(approval)
    servers, looked, judged = _judged(approval, jobs, seen, spec, now)
    warnings = user_data_warnings(spec.user_data, checks.system_of(servers))
    names = tuple(job.server_name for job in jobs)
    preview = Preview(
        tuple(checks.of_the_cloud(looked)), judged, names, previews, warnings, curl, looked.fresh
    )
    return Review(approval, seen, preview, void or _changed(preview))


def _judged(
    approval: Approval, jobs: list[Job], seen: tuple[ServerFacts, ...], spec: ReinstallSpec, now: datetime
) -> tuple[list[Server], glance.Glance, tuple[tuple[Check, ...], ...]]:
    looked = glance.look(approval.project, _servers(jobs), keyname=spec.keyname, cmkid=spec.cmkid, now=now)
    servers = _servers(jobs)
    found = checks.check_requests(approval.project, servers, spec, looked, seen)
    return servers, looked, tuple(tuple(_ours(result)) for result in found)


def _ours(found: tuple[Check, ...]) -> Iterator[Check]:
    """A job that waits for approval holds its server: for itself, that is as it should be."""
    for check in found:
        if check.name == "held":
            yield Check("held", Level.PASSED, "No other job can touch this server until this is decided.")
        elif check.name == CHANGED:
            yield replace(check, sentence=_since_asked(check.sentence))
        else:
            yield check


def _since_asked(sentence: str) -> str:
    """What is told to somebody who has the server before them, told to whoever was not there."""
    said = sentence.replace("since you looked at it", "since it was asked for").removesuffix(
        " Look at it anew."
    )
    return said.replace("when you looked at it", "when it was asked for")


def _changed(preview: Preview) -> str:
    changed = [c.sentence for c in preview.checks if c.name == CHANGED and c.level is Level.MUST_FIX]
    return changed[0] if changed else ""


def _unreadable(jobs: list[Job]) -> Preview:
    sentence = "The script of this order does not open with the keys of this portal, so nothing can be sent."
    stop = Check("sealed", Level.MUST_FIX, sentence)
    return Preview((stop,), (), tuple(job.server_name for job in jobs), (), (), "", False)


def _jobs(approval: Approval) -> list[Job]:
    """The jobs it is about: those that wait, or all of them once it has ended."""
    waiting = [] if approval.end else approvals.waiting_jobs(approval)
    return waiting or list(approval.order.jobs.select_related("project").order_by("position"))


def _servers(jobs: list[Job]) -> list[Server]:
    """Their servers as the rows stand now, in the order of the jobs."""
    rows = Server.objects.prefetch_related("disks").in_bulk([job.server_id for job in jobs])
    return [rows[job.server_id] for job in jobs]
