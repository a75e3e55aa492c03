"""Projects of clouds with what pages say about each: the last reading, and what the person may do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from reinstall.domain.actors import Actor
from reinstall.domain.roles import Right
from reinstall.models import AuditEvent, Cloud, Project, SyncRun
from reinstall.selectors.pages import Ordering, Page, page_of
from reinstall.selectors.projects import get_project, ids_with, requestable_ids, visible_projects

#: What changed a project, for "who was faster".
_CHANGES = ("project.changed", "project.credentials_set")


@dataclass(frozen=True, slots=True)
class LastReading:
    """What the last reading that ended found."""

    ended_at: datetime
    added: int
    changed: int
    gone: int
    complete: bool


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """A project as the page of clouds shows it. `reading` is None where none ended yet."""

    project: Project
    cloud: Cloud
    reading: LastReading | None
    may_manage: bool
    may_sync: bool


@dataclass(frozen=True, slots=True)
class Change:
    """Who changed a project last, and when."""

    by: str
    at: datetime


def project_cards(actor: Actor, *, cursor: str = "") -> Page[ProjectCard]:
    """Projects, those of one cloud side by side."""

    def build(rows: list[Any]) -> list[ProjectCard]:
        return _cards(actor, rows)

    by_cloud = Ordering("cloud", ("cloud_id", "name", "id"))
    return page_of(visible_projects(actor), by_cloud, cursor=cursor, build=build)


def project_card(actor: Actor, slug: str) -> ProjectCard:
    """One of them. Raises NotFound, also when it is not theirs."""
    return _cards(actor, [get_project(actor, slug)])[0]


def last_change(actor: Actor, slug: str) -> Change | None:
    """The last change people made to a project, where the history still has it."""
    get_project(actor, slug)
    entries = AuditEvent.objects.filter(project_slug=slug, action__in=_CHANGES)
    entry = entries.order_by("-at", "-id").first()
    return Change(entry.actor_name, entry.at) if entry else None


def _cards(actor: Actor, rows: list[Project]) -> list[ProjectCard]:
    managed, requestable = ids_with(actor, Right.MANAGE), requestable_ids(actor)
    readings = _readings(rows)
    return [
        ProjectCard(
            project=row,
            cloud=row.cloud,
            reading=readings.get(row.pk),
            may_manage=managed is None or row.pk in managed,
            may_sync=requestable is None or row.pk in requestable,
        )
        for row in rows
    ]


def _readings(rows: list[Project]) -> dict[int, LastReading]:
    """By project, the newest of its readings that ended."""
    ended = SyncRun.objects.filter(project=OuterRef("pk")).exclude(ended_at=None)
    newest = ended.order_by("-requested_at", "-id").values("pk")[:1]
    projects = Project.objects.filter(pk__in=[row.pk for row in rows])
    runs = projects.annotate(newest=Subquery(newest)).exclude(newest=None).values_list("newest", flat=True)
    return {
        run.project_id: LastReading(run.ended_at, run.added, run.changed, run.gone, run.complete)
        for run in SyncRun.objects.filter(pk__in=list(runs))
        if run.ended_at is not None
    }
