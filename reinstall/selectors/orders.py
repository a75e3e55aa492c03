"""Orders: one decision about one or many servers, with its jobs counted by state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.states import ACTIVE, FINAL, JobState, OrderState, order_state
from reinstall.models import Job, Order, Project
from reinstall.selectors.job_rows import JobRow, rows_of_order
from reinstall.selectors.pages import Page, ordering_of, page_of

ORDERINGS: Mapping[str, tuple[str, ...]] = {"created_at": ("created_at", "id")}
NEWEST_FIRST = "-created_at"
_CALLED_OFF = frozenset({JobState.CANCELLED, JobState.EXPIRED})


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order. `counts`: how many of its jobs are in which state. `jobs` is empty in lists."""

    id: int
    state: OrderState
    project_slug: str
    project_name: str
    environment: str
    reason: str
    requested_by: str
    source: str
    preset: str
    request_hash: str
    created_at: datetime
    counts: Mapping[str, int]
    jobs: tuple[JobRow, ...] = ()


def order_page(
    actor: Actor,
    *,
    project: str = "",
    state: str = "",
    q: str = "",
    ordering: str = NEWEST_FIRST,
    cursor: str = "",
    limit: int = 50,
) -> Page[OrderView]:
    """Orders, newest first; `state` is that of the order."""
    rows = _visible(actor)
    if project:
        rows = rows.filter(project__slug=project)
    if state:
        rows = rows.filter(_in_state(state))
    for word in q.split():
        rows = rows.filter(Q(reason__icontains=word) | Q(requested_by_name__icontains=word))
    return page_of(rows, ordering_of(ordering, ORDERINGS), cursor=cursor, limit=limit, build=_views)


def get_order(actor: Actor, order_id: int) -> OrderView:
    """One order with its jobs. Raises NotFound, also when it is not theirs."""
    order = _visible(actor).filter(pk=order_id).first()
    if order is None:
        raise NotFound(f"There is no order {order_id}.")
    return _view(order, _counts([order.pk]).get(order.pk, {}), rows_of_order(order.pk))


def order_head(actor: Actor, order_id: int) -> OrderView:
    """One order without its jobs, which may be many: two queries. Raises NotFound."""
    order = _visible(actor).filter(pk=order_id).first()
    if order is None:
        raise NotFound(f"There is no order {order_id}.")
    return _view(order, _counts([order.pk]).get(order.pk, {}), ())


def _visible(actor: Actor) -> QuerySet[Order, Order]:
    visible = Project.objects.visible_to(actor).values("pk")
    orders = Order.objects.filter(project__in=visible).select_related("project", "preset_version__preset")
    return orders.defer("user_data_sealed", "adminpass_sealed", "preset_version__user_data_sealed")


def _in_state(state: str) -> Q:
    """The same table as `order_state`, asked of the database."""
    if state not in {known.value for known in OrderState}:
        raise RuleBroken(f"There is no state {state}. Known: {', '.join(OrderState)}.", "state", "choice")
    waits = _has({JobState.AWAITING_APPROVAL})
    at_work = _has(ACTIVE)
    outside = _has(frozenset(JobState) - _CALLED_OFF)
    wanted = {
        OrderState.AWAITING_APPROVAL: waits,
        OrderState.RUNNING: at_work & ~waits,
        OrderState.FINISHED: ~at_work & _has(FINAL - _CALLED_OFF),
        OrderState.CANCELLED: ~outside,
    }
    return wanted.get(OrderState(state), Q(pk__in=[]))


def _has(states: frozenset[JobState] | set[JobState]) -> Q:
    return Q(Exists(Job.objects.filter(order=OuterRef("pk"), state__in=sorted(states))))


def _counts(order_ids: Sequence[int]) -> dict[int, dict[JobState, int]]:
    counts: dict[int, dict[JobState, int]] = {}
    found = Job.objects.filter(order__in=order_ids).order_by().values_list("order_id", "state")
    for order, state, count in found.annotate(count=Count("pk")):
        counts.setdefault(order, {})[JobState(state)] = count
    return counts


def _views(orders: Sequence[Order]) -> tuple[OrderView, ...]:
    counts = _counts([order.pk for order in orders])
    return tuple(_view(order, counts.get(order.pk, {}), ()) for order in orders)


def _view(order: Order, counts: dict[JobState, int], jobs: tuple[JobRow, ...]) -> OrderView:
    return OrderView(
        id=order.pk,
        state=order_state(counts),
        project_slug=order.project.slug,
        project_name=order.project.name,
        environment=order.project.environment,
        reason=order.reason,
        requested_by=order.requested_by_name,
        source=order.source,
        preset=order.preset_version.reference if order.preset_version else "",
        request_hash=order.request_hash,
        created_at=order.created_at,
        counts={state.value: count for state, count in sorted(counts.items())},
        jobs=jobs,
    )
