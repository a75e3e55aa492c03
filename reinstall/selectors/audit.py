"""The audit history as an actor may see it: newest first, filtered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.models import AuditEvent, Project
from reinstall.selectors.pages import Page, ordering_of, page_of

#: The number grows with time, and an entry is never moved.
ORDERINGS: Mapping[str, tuple[str, ...]] = {"id": ("id",)}
NEWEST_FIRST = "-id"


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What the list is narrowed to; "" and None do not narrow. `since` is included, `until` is not."""

    actor: str = ""
    action: str = ""
    object_type: str = ""
    object_id: str = ""
    project: str = ""
    source: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    ordering: str = NEWEST_FIRST


def audit_page(actor: Actor, filters: AuditFilters, *, cursor: str = "", limit: int = 50) -> Page[AuditEvent]:
    """Entries of the projects the actor may see; all entries for a superuser."""
    ordering = ordering_of(filters.ordering or NEWEST_FIRST, ORDERINGS)
    return page_of(_filtered(actor, filters), ordering, cursor=cursor, limit=limit, build=tuple)


def get_entry(actor: Actor, entry_id: int) -> AuditEvent:
    """One entry. Raises NotFound, also when it is not theirs."""
    entry = _visible(actor).filter(pk=entry_id).first()
    if entry is None:
        raise NotFound(f"There is no audit entry {entry_id}.")
    return entry


def _visible(actor: Actor) -> QuerySet[AuditEvent, AuditEvent]:
    if actor.sees_all and actor.only_projects is None:
        return AuditEvent.objects.all()
    return AuditEvent.objects.filter(project_slug__in=Project.objects.visible_to(actor).values("slug"))


def _filtered(actor: Actor, filters: AuditFilters) -> QuerySet[AuditEvent, AuditEvent]:
    exact = {
        "actor_name": filters.actor,
        "action": filters.action,
        "object_type": filters.object_type,
        "object_id": filters.object_id,
        "project_slug": filters.project,
        "source": filters.source,
    }
    rows = _visible(actor).filter(**{column: value for column, value in exact.items() if value})
    if filters.since is not None:
        rows = rows.filter(at__gte=filters.since)
    if filters.until is not None:
        rows = rows.filter(at__lt=filters.until)
    for word in filters.q.split():
        rows = rows.filter(
            Q(object_label__icontains=word)
            | Q(note__icontains=word)
            | Q(request_id=word)
            | Q(action__icontains=word)
        )
    return rows
