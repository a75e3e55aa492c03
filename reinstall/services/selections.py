"""Servers a person picks out for one order: ticked page by page, or all that match at one moment.

A selection is a list of ids and nothing else: nothing is placed by it, so the audit log
hears of the order only.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.models import Project, Selection, Server
from reinstall.services import access

#: As many as one order takes.
MOST = 10_000
KEPT = timedelta(days=1)
#: The length of the column.
QUERY_MAX = 1000


def tick(
    *,
    actor: Actor,
    now: datetime,
    project: str,
    selection: uuid.UUID | None,
    shown: Collection[str],
    ticked: Collection[str],
) -> Selection:
    """Of the servers a page has `shown`, those `ticked` are selected and the others are not; the rest stays.

    Raises RuleBroken for a server of another project and beyond MOST, NotFound, NotAllowed.
    """
    found = access.project_for_requests(actor, project)
    wanted = _known(found, list(dict.fromkeys(ticked)))
    with transaction.atomic():
        row = _mine(actor, now, found, selection)
        off = set(shown) - set(wanted)
        kept = [key for key in row.server_ids if key not in off]
        known = set(kept)
        row.server_ids = kept + [key for key in wanted if key not in known]
        row.left_out = [left for left in row.left_out if left["id"] not in set(row.server_ids)]
        return _saved(row, now)


def take_all(
    *,
    actor: Actor,
    now: datetime,
    project: str,
    selection: uuid.UUID | None,
    ids: Sequence[str],
    left_out: Sequence[dict[str, str]],
    query: str,
) -> Selection:
    """The servers that match a filter now, and no others; what a sync adds later is not among them.

    left_out: servers that match and cannot be reinstalled, as {"id", "name", "why"}. Raises as `tick`.
    """
    found = access.project_for_requests(actor, project)
    known = _known(found, ids)
    with transaction.atomic():
        row = _mine(actor, now, found, selection)
        row.server_ids, row.left_out, row.query = known, list(left_out), query[:QUERY_MAX]
        return _saved(row, now)


def clear(*, actor: Actor, selection: uuid.UUID) -> None:
    """Forgets a selection of this person; somebody else's, or none, changes nothing."""
    Selection.objects.filter(pk=selection, user=actor.user_id).delete()


def forget_old(*, now: datetime) -> int:
    """Drops selections nobody has changed for a day; returns how many."""
    return Selection.objects.filter(created_at__lt=now - KEPT).delete()[0]


def _known(project: Project, ids: Sequence[str]) -> list[str]:
    """The ids, when all of them are servers of the project."""
    if len(ids) > MOST:
        raise RuleBroken(f"A selection holds at most {MOST:,} servers; narrow the filter.", "servers")
    keys = [_key(text) for text in ids]
    here = set(Server.objects.filter(project=project, pk__in=keys).values_list("pk", flat=True))
    if any(key not in here for key in keys):
        raise RuleBroken(
            f"A selection holds servers of one project, and one of these is not in {project.name}. "
            "Nothing was selected; choose the project first.",
            "servers",
            "project",
        )
    return [str(key) for key in keys]


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise RuleBroken("One of these is not the id of a server.", "servers", "format") from None


def _mine(actor: Actor, now: datetime, project: Project, key: uuid.UUID | None) -> Selection:
    """The person's selection, locked; a new one where there is none, or one of another project."""
    mine = Selection.objects.select_for_update().filter(user=actor.user_id, project=project)
    found = mine.filter(pk=key).first() if key else None
    return found or Selection(user_id=actor.user_id or 0, project=project, created_at=now)


def _saved(row: Selection, now: datetime) -> Selection:
    if len(row.server_ids) > MOST:
        raise RuleBroken(f"A selection holds at most {MOST:,} servers.", "servers")
    # The day it is kept counts from the last change.
    row.created_at = now
    row.save()
    return row
