"""The audit history as an actor may see it: newest first, filtered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.roles import Right, roles_with
from reinstall.models import AuditEvent, Project
from reinstall.selectors.pages import Page, ordering_of, page_of

#: The number grows with time, and an entry is never moved.
ORDERINGS: Mapping[str, tuple[str, ...]] = {"id": ("id",)}
NEWEST_FIRST = "-id"
#: A file with more is not what anybody reads.
MAX_EXPORT = 100_000


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


#: Things whose entries tell of people and of how a project is set up: for auditors and admins of it.
OF_PEOPLE = ("account", "audit", "membership", "project", "token")


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


def neighbours(actor: Actor, entry: AuditEvent) -> tuple[int | None, int | None]:
    """The entries of the same object right before and right after this one, as far as they are theirs."""
    same = _visible(actor).filter(object_type=entry.object_type, object_id=entry.object_id)
    ids = same.values_list("pk", flat=True)
    before = ids.filter(pk__lt=entry.pk).order_by("-pk").first()
    return before, ids.filter(pk__gt=entry.pk).order_by("pk").first()


def all_entries(actor: Actor, filters: AuditFilters, *, most: int = MAX_EXPORT) -> list[AuditEvent]:
    """Every entry of the filter, newest first. Raises RuleBroken for more than `most`."""
    ordering = ordering_of(filters.ordering or NEWEST_FIRST, ORDERINGS)
    found = list(_filtered(actor, filters).order_by(*ordering.terms(backwards=False))[: most + 1])
    if len(found) > most:
        raise RuleBroken(
            f"More than {most:,} entries match. Narrow the filter, for example by days.",
            "since",
            "many",
        )
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """One value of an entry on both sides, as text; "" where it is not there."""

    name: str
    before: str
    after: str


def changes_of(entry: AuditEvent) -> tuple[Change, ...]:
    """What the entry says was before and after, name by name."""
    # PostgreSQL keeps no order of names.
    names = sorted({*entry.before, *entry.after})
    return tuple(Change(name, _text(entry.before, name), _text(entry.after, name)) for name in names)


def _text(side: Mapping[str, Any], name: str) -> str:
    if name not in side:
        return ""
    value = side[name]
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _visible(actor: Actor) -> QuerySet[AuditEvent, AuditEvent]:
    if actor.sees_all and actor.only_projects is None:
        return AuditEvent.objects.all()
    visible = Project.objects.visible_to(actor)
    seen = AuditEvent.objects.filter(project_slug__in=visible.values("slug"))
    if actor.sees_all:
        return seen
    mine = {"memberships__user_id": actor.user_id or 0, "memberships__role__in": roles_with(Right.AUDIT)}
    return seen.exclude(
        Q(object_type__in=OF_PEOPLE) & ~Q(project_slug__in=visible.filter(**mine).values("slug"))
    )


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
