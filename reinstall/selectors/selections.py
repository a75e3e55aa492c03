"""Selections as pages show them: what is chosen, what is left out and why."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.models import Disk, Project, Selection, Server
from reinstall.selectors.pages import ordering_of
from reinstall.selectors.server_rows import COLUMNS, ServerRow, server_rows
from reinstall.selectors.servers import ORDERINGS, ServerFilters, filtered_servers

#: Selections up to this size are looked at anew whenever the list shows them.
LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A server that was selected or matched, and cannot be reinstalled: `why` is a sentence."""

    id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class SelectionBar:
    """What the bar under the list says. `selected` counts those left out too, `usable` does not."""

    id: uuid.UUID
    ids: frozenset[str]
    selected: int
    usable: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The servers of a selection as they are now. Sizes in GB; `unsized` system disks have no known size."""

    project_slug: str
    project_name: str
    environment: str
    rows: tuple[ServerRow, ...]
    left_out: tuple[LeftOut, ...]
    system_gb: int
    unsized: int
    data_disks: int

    @property
    def ids(self) -> tuple[str, ...]:
        """Those that can be reinstalled, in order."""
        return tuple(str(row.id) for row in self.rows)


def selection_bar(actor: Actor, project: Project, selection: uuid.UUID | None) -> SelectionBar | None:
    """The person's selection in this project; None where there is none."""
    mine = Selection.objects.filter(user=actor.user_id, project=project)
    found = mine.filter(pk=selection).first() if selection else None
    if found is None:
        return None
    left = [_left(row) for row in found.left_out]
    unusable: list[LeftOut] = []
    if len(found.server_ids) <= LOOKED_AT:
        unusable = [_of_row(row) for row in _rows(actor, project, found.server_ids) if row.why_not]
    return SelectionBar(
        id=found.pk,
        ids=frozenset(found.server_ids),
        selected=len(found.server_ids) + len(left),
        usable=len(found.server_ids) - len(unusable),
        left_out=(*unusable, *left),
    )


def selected_ids(actor: Actor, project: Project, selection: uuid.UUID | None) -> frozenset[str]:
    """The servers that are ticked in the person's selection; none where there is none."""
    if selection is None:
        return frozenset()
    mine = Selection.objects.filter(user=actor.user_id, project=project, pk=selection)
    return frozenset(chosen for ids in mine.values_list("server_ids", flat=True) for chosen in ids)


def get_chosen(actor: Actor, selection: uuid.UUID, only: Collection[str] | None = None) -> Chosen:
    """The servers of a selection, looked at now. Raises NotFound, also when it is not theirs.

    only: the ids a page has shown; what was ticked since then in another tab is not meant.
    """
    visible = Project.objects.visible_to(actor).values("pk")
    mine = Selection.objects.filter(pk=selection, user=actor.user_id, project__in=visible)
    found = mine.select_related("project").first()
    if found is None:
        raise NotFound("There is no such selection. Selections are kept for a day; choose the servers again.")
    rows = _rows(actor, found.project, list({*found.server_ids, *(only or ())}))
    meant = set(found.server_ids if only is None else only)
    usable = tuple(row for row in rows if not row.why_not and str(row.id) in meant)
    again = tuple(_left(row) for row in found.left_out)
    return Chosen(
        project_slug=found.project.slug,
        project_name=found.project.name,
        environment=found.project.environment,
        rows=usable,
        left_out=(*(_of_row(row) for row in rows if row.why_not), *again),
        system_gb=sum(row.system_gb or 0 for row in usable),
        unsized=sum(row.system_gb is None for row in usable),
        data_disks=_data_disks([row.id for row in usable]),
    )


def _data_disks(ids: Sequence[uuid.UUID]) -> int:
    """How many stay. A disk that several servers share is one disk."""
    found = Disk.objects.filter(server__in=ids).exclude(boot_index=0).order_by()
    return found.values("volume_id").distinct().count()


def matching(actor: Actor, filters: ServerFilters, most: int) -> tuple[list[str], list[dict[str, str]]]:
    """Ids that match and can be reinstalled, in the list's order; those left out as {"id", "name", "why"}.

    Raises RuleBroken where more than `most` match.
    """
    ordering = ordering_of(filters.ordering or "name", ORDERINGS)
    found = list(
        filtered_servers(actor, filters)
        .order_by(*ordering.terms(backwards=False))
        .values(*COLUMNS)[: most + 1]
    )
    if len(found) > most:
        raise RuleBroken(
            f"More than {most:,} servers match; an order takes {most:,}. Narrow the filter.", "servers"
        )
    rows = server_rows(actor, found)
    left = [{"id": str(row.id), "name": row.name, "why": row.why_not} for row in rows if row.why_not]
    return [str(row.id) for row in rows if not row.why_not], left


def _rows(actor: Actor, project: Project, ids: Sequence[str]) -> tuple[ServerRow, ...]:
    """The rows of `ids`, by name."""
    found = Server.objects.filter(project=project, pk__in=ids).order_by("name", "id")
    return server_rows(actor, list(found.values(*COLUMNS)))


def _of_row(row: ServerRow) -> LeftOut:
    return _told(str(row.id), row.name, row.why_not)


def _left(row: dict[str, str]) -> LeftOut:
    return _told(row["id"], row["name"], row["why"])


def _told(key: str, name: str, why: str) -> LeftOut:
    """The name stands before the sentence wherever it is shown, and is not said twice."""
    return LeftOut(key, name, f"it{why.removeprefix(name)}" if why.startswith(f"{name} ") else why)
