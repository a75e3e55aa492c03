"""Jobs as lists, pages and live updates read them."""

import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.spec import canonical_json
from reinstall.domain.states import ACTIVE, FINAL, JobState
from reinstall.models import Exchange, Job, Project
from reinstall.selectors.job_detail import JobView, view_of
from reinstall.selectors.job_rows import COLUMNS, READ_AT, JobRow, job_rows
from reinstall.selectors.pages import Page, capped_count, ordering_of, page_of
from reinstall.selectors.projects import GOING_ON, in_projects, needing_a_look

__all__ = [
    "ExchangeView",
    "JobFilters",
    "JobRow",
    "JobView",
    "count_jobs",
    "exchanges",
    "get_job",
    "job_page",
    "job_stamps",
    "job_version",
]

ORDERINGS: Mapping[str, tuple[str, ...]] = {"created_at": ("created_at", "id")}
NEWEST_FIRST = "-created_at"
TABS = ("running", "attention", "finished", "all")


@dataclass(frozen=True, slots=True)
class JobFilters:
    """What a list is narrowed to; "" does not narrow. `tab` is one of TABS, `order` an order's number."""

    q: str = ""
    project: str = ""
    state: str = ""
    tab: str = "all"
    server: str = ""
    order: int | None = None
    requested_by: str = ""
    ordering: str = NEWEST_FIRST


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """One call made for a job, masked; `times` polls that brought nothing new between `at` and `last_at`."""

    id: int
    at: datetime
    last_at: datetime
    method: str
    path: str
    status: int | None
    outcome: str
    duration_ms: int
    request_id: str
    request_body: str
    response_body: str
    error: str
    times: int


def job_page(actor: Actor, filters: JobFilters, *, cursor: str = "", limit: int = 50) -> Page[JobRow]:
    """Jobs as filtered, newest first."""
    return page_of(
        _filtered(actor, filters).values(*COLUMNS, **READ_AT),
        ordering_of(filters.ordering or NEWEST_FIRST, ORDERINGS),
        cursor=cursor,
        limit=limit,
        build=job_rows,
    )


def count_jobs(actor: Actor, filters: JobFilters) -> int:
    """How many jobs the filters leave; 10,001 means "over 10,000"."""
    return capped_count(_filtered(actor, filters))


def get_job(actor: Actor, job_id: int, *, now: datetime | None = None) -> JobView:
    """One job with everything there is to say. Times run up to `now`, by default the database's clock.

    Raises NotFound, also when it is not theirs.
    """
    job = _visible(actor).select_related("order__approval", "project").filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"There is no job #{job_id}.")
    return view_of(actor, job, now, _stamp(_stamp_facts(job)))


def first_job_of(actor: Actor, order_id: int) -> JobView:
    """The first job of an order, as `get_job`."""
    first = _visible(actor).filter(order=order_id).order_by("position").values_list("pk", flat=True).first()
    return get_job(actor, first or 0)


def job_version(actor: Actor, job_id: int) -> str:
    """A short text that is another one whenever something shown of the job has changed."""
    found = _visible(actor).filter(pk=job_id).values("id", *_STAMPED).first()
    if found is None:
        raise NotFound(f"There is no job #{job_id}.")
    return _stamp(found)


def job_stamps(job_ids: Iterable[int]) -> dict[int, str]:
    """Job -> its version, in one query, whoever asks: for live updates of jobs already granted."""
    found = Job.objects.filter(pk__in=list(job_ids)).values("id", *_STAMPED)
    return {facts["id"]: _stamp(facts) for facts in found}


def exchanges(actor: Actor, job_id: int) -> tuple[ExchangeView, ...]:
    """The calls made for a job, oldest first."""
    if not _visible(actor).filter(pk=job_id).exists():
        raise NotFound(f"There is no job #{job_id}.")
    columns = tuple(ExchangeView.__dataclass_fields__)
    rows = Exchange.objects.filter(job=job_id).order_by("id").values_list(*columns)
    return tuple(ExchangeView(*row) for row in rows)


_STAMPED = ("seq", "polled_at", "cloud_status", "cloud_steps", "waiting_for", "next_at", "proposal_count")


def _stamp_facts(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in _STAMPED}


def _stamp(facts: Mapping[str, Any]) -> str:
    shown = [str(facts[name]) for name in _STAMPED if name != "cloud_steps"]
    told = zlib.crc32(canonical_json([*shown, facts["cloud_steps"]]))
    return f"{facts['seq']}-{told:08x}"


def _visible(actor: Actor) -> QuerySet[Job, Job]:
    return Job.objects.filter(project__in=Project.objects.visible_to(actor).values("pk"))


def _filtered(actor: Actor, filters: JobFilters) -> QuerySet[Job, Job]:
    # Jobs that are under way are few: they are gathered by state. Finished ones are read in their order.
    few = filters.tab in ("running", "attention") or filters.state in ACTIVE
    rows = _visible(actor) if few else Job.objects.all()
    rows = _in_tab(in_projects(rows, actor, filters.project), filters.tab)
    if filters.state:
        if filters.state not in {known.value for known in JobState}:
            raise RuleBroken(
                f"There is no state {filters.state}. Known: {', '.join(JobState)}.", "state", "choice"
            )
        rows = rows.filter(state=filters.state)
    if filters.server:
        rows = rows.filter(server=_server_id(filters.server))
    if filters.order is not None:
        rows = rows.filter(order=filters.order)
    if filters.requested_by:
        rows = rows.filter(order__requested_by_name=filters.requested_by)
    for word in filters.q.split():
        rows = rows.filter(_mentions(word))
    return rows


def _server_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise RuleBroken(
            f"{text} is not the id of a server: 36 characters with hyphens.", "server", "format"
        ) from None


def _in_tab(rows: QuerySet[Job, Job], tab: str) -> QuerySet[Job, Job]:
    if tab == "attention":
        return needing_a_look(rows)
    states = {
        "running": GOING_ON,
        "finished": FINAL,
        "all": frozenset(JobState),
        "": frozenset(JobState),
    }.get(tab)
    if states is None:
        raise RuleBroken(f"There is no tab {tab}. Known: {', '.join(TABS)}.", "tab", "choice")
    return rows if len(states) == len(JobState) else rows.filter(state__in=sorted(states))


def _mentions(word: str) -> Q:
    found = Q(server_name__icontains=word) | Q(order__reason__icontains=word) | Q(failure_code__iexact=word)
    found |= Q(cloud_job_id=word) | Q(order__requested_by_name__iexact=word)
    number = word.removeprefix("#")
    return found | Q(pk=int(number)) if number.isdecimal() and len(number) < 19 else found
