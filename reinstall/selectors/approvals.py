"""Orders that wait, or waited, for a second person, as somebody may see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.approvals import decisions
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.presets import changed_from, labels_of, told_by
from reinstall.domain.roles import Right
from reinstall.models import Approval, Job, Order, Project
from reinstall.selectors.pages import Ordering, Page, capped_count, page_of
from reinstall.selectors.projects import ids_with, in_projects

#: Servers named in a list; the rest is a number.
NAMED = 3
OPEN, ENDED = "open", "ended"
_COUNT_CAP = 1_000


@dataclass(frozen=True, slots=True)
class Override:
    """What the first of the two admins of an emergency override said."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One order and whether somebody agreed to it. state: open, or how it ended; void also where somebody
    had agreed and it counts no more. decisions: what this person may do with it now."""

    id: int
    order_id: int
    project_slug: str
    project_name: str
    environment: str
    state: str
    requested_by: str
    source: str
    reason: str
    preset: str
    names: tuple[str, ...]
    count: int
    request_hash: str
    asked_at: datetime
    expires_at: datetime
    ended_by: str
    ended_at: datetime | None
    end_reason: str
    void_reason: str
    good_until: datetime | None
    override: Override | None
    own: bool
    decisions: tuple[str, ...]

    @property
    def title(self) -> str:
        """The server, or how many there are."""
        return self.names[0] if self.count == 1 and self.names else f"{self.count:,} servers"

    @property
    def unnamed(self) -> int:
        """Servers beyond those named."""
        return self.count - len(self.names)


def approval_page(
    actor: Actor, *, project: str = "", state: str = OPEN, cursor: str = "", limit: int = 50
) -> Page[ApprovalView]:
    """Open ones, the oldest first; ended ones, the newest first."""
    if state not in (OPEN, ENDED):
        raise RuleBroken(f"There is no state {state}. Known: {OPEN}, {ENDED}.", "state", "choice")
    rows = in_projects(_rows(), actor, project)
    rows = rows.filter(end="") if state == OPEN else rows.exclude(end="")
    ordering = Ordering("asked_at" if state == OPEN else "-asked_at", ("asked_at", "id"))
    return page_of(rows, ordering, cursor=cursor, limit=limit, build=lambda found: _views(actor, found))


def get_approval(actor: Actor, approval_id: int) -> ApprovalView:
    """One of them. Raises NotFound, also when it is not theirs."""
    approval = (
        _rows().filter(pk=approval_id, project__in=Project.objects.visible_to(actor).values("pk")).first()
    )
    if approval is None:
        raise NotFound(f"There is no approval {approval_id}.")
    return _views(actor, [approval])[0]


def to_decide(actor: Actor, project: Project | None = None) -> int:
    """How many wait that this person may approve; stops at 1,001, which means "over 1,000"."""
    allowed = ids_with(actor, Right.APPROVE)
    if allowed is not None and not allowed:
        return 0
    rows = Approval.objects.filter(end="").exclude(requested_by=actor.user_id)
    if allowed is not None:
        rows = rows.filter(project__in=sorted(allowed))
    if project is not None:
        rows = rows.filter(project=project)
    return capped_count(rows, _COUNT_CAP)


def differs_from_last(approval: ApprovalView) -> tuple[str, tuple[str, ...]]:
    """Of an order for one server: what reinstalled it last, in words, and what is asked for otherwise.

    ("", ()) where there is none, or the order is for many.
    """
    if approval.count != 1:
        return "", ()
    job = Job.objects.select_related("order").defer(*_sealed("order__")).get(order=approval.order_id)
    earlier = Job.objects.filter(server=job.server_id, state="succeeded", pk__lt=job.pk)
    last = earlier.select_related("order").defer(*_sealed("order__")).order_by("-pk").first()
    if last is None:
        return "", ()
    words = f"#{last.pk} by {last.order.requested_by_name}"
    return words, labels_of(changed_from(told_by(last.order), told_by(job.order)))


def _sealed(prefix: str = "") -> tuple[str, str]:
    return (f"{prefix}user_data_sealed", f"{prefix}adminpass_sealed")


def _rows() -> QuerySet[Approval, Approval]:
    rows = Approval.objects.select_related("project", "order__preset_version__preset")
    return rows.defer(*_sealed("order__"), "order__preset_version__user_data_sealed")


def _views(actor: Actor, found: Sequence[Approval]) -> tuple[ApprovalView, ...]:
    orders = [row.order_id for row in found]
    jobs = Job.objects.filter(order__in=orders).order_by()
    counts = dict(jobs.values_list("order").annotate(count=Count("pk")))
    names: dict[int, list[str]] = {}
    listed = jobs.filter(position__lt=NAMED).order_by("order_id", "position")
    for order, name in listed.values_list("order_id", "server_name"):
        names.setdefault(order, []).append(name)
    approves, manages = ids_with(actor, Right.APPROVE), ids_with(actor, Right.MANAGE)
    return tuple(
        _view(
            row,
            actor,
            (tuple(names.get(row.order_id, ())), counts.get(row.order_id, 0)),
            approves=_in(approves, row),
            manages=_in(manages, row) and actor.scopes is None,
        )
        for row in found
    )


def _in(allowed: frozenset[int] | None, row: Approval) -> bool:
    return allowed is None or row.project_id in allowed


def _view(
    row: Approval, actor: Actor, servers: tuple[tuple[str, ...], int], *, approves: bool, manages: bool
) -> ApprovalView:
    order: Order = row.order
    own = row.requested_by_id == actor.user_id
    mine = decisions(
        requester=own and actor.scopes is None,
        approves=approves,
        manages=manages,
        overrides=row.override_by_id is not None and (row.override_by_id == actor.user_id or own),
    )
    return ApprovalView(
        id=row.pk,
        order_id=row.order_id,
        project_slug=row.project.slug,
        project_name=row.project.name,
        environment=row.project.environment,
        state=_state(row),
        requested_by=order.requested_by_name,
        source=order.source,
        reason=order.reason,
        preset=order.preset_version.reference if order.preset_version else "",
        names=servers[0],
        count=servers[1],
        request_hash=row.request_hash,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        ended_by=row.ended_by_name,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        void_reason=row.void_reason,
        good_until=row.good_until,
        override=_override(row),
        own=own,
        decisions=() if row.end or not servers[1] else mine,
    )


def _state(row: Approval) -> str:
    if row.void_at is not None:
        return "void"
    return row.end or OPEN


def _override(row: Approval) -> Override | None:
    if row.override_at is None:
        return None
    return Override(row.override_by_name, row.override_at, row.override_reason)


def approved_by(order: Order) -> str:
    """Who agreed to an order, "" for nobody; of an emergency override both, and that it was one."""
    row: Approval | None = getattr(order, "approval", None)
    if row is None or row.good_until is None:
        return ""
    if row.override_at is not None and row.end == "overridden":
        return f"{row.override_by_name} and {row.ended_by_name} (emergency override)"
    return row.ended_by_name


def approval_id(order: Order) -> int | None:
    """The key of an order's approval, None where it needed none."""
    row: Approval | None = getattr(order, "approval", None)
    return row.pk if row is not None else None


def begun_at(order: Order) -> datetime | None:
    """When somebody agreed to an order: until then it was not late, only not allowed yet."""
    row: Approval | None = getattr(order, "approval", None)
    return row.ended_at if row is not None and row.good_until is not None else None


STATES: Mapping[str, str] = {OPEN: "Waiting", ENDED: "Decided"}
