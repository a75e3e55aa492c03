"""Presets as an actor may see them: lists, one with its versions, who used it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest

from django.db.models import Count, F, Max, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.presets import Told, differing, labels_of, reference, taken, told_by
from reinstall.models import Order, Preset, PresetVersion, Project
from reinstall.selectors.pages import Ordering, Page, page_of
from reinstall.selectors.projects import requestable_ids

_BY_NAME = Ordering("name", ("name", "id"))
STATES = ("kept", "retired")
#: Orders a preset's page names; the rest is a number.
_USES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView(Told):
    """One version, without its script. changed: what is different from the one before, in words."""

    number: int
    note: str
    created_at: datetime
    created_by: str
    changed: tuple[str, ...] = ()

    @property
    def before(self) -> int:
        """The number of the version before this one."""
        return self.number - 1


@dataclass(frozen=True, slots=True)
class PresetView:
    """A preset with its newest version. used: orders that took their settings from any version.

    retired_at None: it can be chosen. may_change: whether this actor may. versions is empty in lists.
    """

    slug: str
    name: str
    project_slug: str
    project_name: str
    environment: str
    latest: VersionView
    used: int
    last_used_at: datetime | None
    created_at: datetime
    created_by: str
    retired_at: datetime | None
    retired_by: str
    may_change: bool
    versions: tuple[VersionView, ...] = ()

    @property
    def reference(self) -> str:
        """The newest version, as a form and REST name it."""
        return reference(self.slug, self.latest.number)

    def version(self, number: int) -> VersionView:
        """The version of that number. Raises NotFound."""
        found = next((one for one in self.versions if one.number == number), None)
        if found is None:
            raise _no_version(self, number)
        return found


@dataclass(frozen=True, slots=True)
class Use:
    """An order that took its settings from a version."""

    order: int
    number: int
    servers: int
    requested_by: str
    created_at: datetime


def preset_page(
    actor: Actor,
    *,
    project: str = "",
    q: str = "",
    state: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Page[PresetView]:
    """Presets by name: those that can be chosen, or those of state retired."""
    if state not in ("", *STATES):
        raise RuleBroken(f"There is no state {state}. Known: {', '.join(STATES)}.", "state", "choice")
    rows = _visible(actor).filter(retired_at__isnull=state != "retired")
    if project:
        rows = rows.filter(project__slug=project)
    for word in q.split():
        rows = rows.filter(name__icontains=word)
    return page_of(rows, _BY_NAME, cursor=cursor, limit=limit, build=lambda found: _views(actor, found))


def presets_to_choose(actor: Actor, project: str) -> tuple[tuple[str, str], ...]:
    """(reference, title) of the presets a form of `project` offers, newest versions, by name."""
    rows = _visible(actor).filter(project__slug=project, retired_at=None).order_by("name", "id")
    return tuple((reference(row.slug, row.latest), f"{row.name} v{row.latest}") for row in rows)


def get_preset(actor: Actor, slug: str) -> PresetView:
    """One preset. Raises NotFound, also when it is not theirs."""
    return _views(actor, [_row(actor, slug)])[0]


def preset_with_versions(actor: Actor, slug: str) -> PresetView:
    """One preset with all its versions, newest first. Raises NotFound, also when it is not theirs."""
    row = _row(actor, slug)
    found = list(row.versions.defer("user_data_sealed").order_by("-number"))
    versions = tuple(version_view(one, before) for one, before in zip_longest(found, found[1:]))
    return replace(_views(actor, [row])[0], versions=versions)


def sealed_version(preset: PresetView, number: int) -> PresetVersion:
    """The row of a version of a preset somebody may see, with its sealed script."""
    rows = PresetVersion.objects.select_related("preset__project").filter(preset__slug=preset.slug)
    row = rows.filter(number=number).first()
    if row is None:
        raise _no_version(preset, number)
    return row


def _no_version(preset: PresetView, number: int) -> NotFound:
    return NotFound(f"{preset.name} has no version {number}. Numbers end at {preset.latest.number}.")


def uses_of(preset: PresetView) -> tuple[Use, ...]:
    """The newest orders that used a preset somebody may see."""
    orders = Order.objects.filter(preset_version__preset__slug=preset.slug)
    counted = orders.annotate(servers=Count("jobs")).order_by("-created_at", "-id")
    return tuple(
        Use(pk, number, servers, by, at)
        for pk, number, servers, by, at in counted.values_list(
            "pk", "preset_version__number", "servers", "requested_by_name", "created_at"
        )[:_USES_SHOWN]
    )


def version_view(row: PresetVersion, before: PresetVersion | None = None) -> VersionView:
    """A version for pages and REST; compared with `before` where there is one."""
    return VersionView(
        **taken(Told, row),
        number=row.number,
        note=row.note,
        created_at=row.created_at,
        created_by=row.created_by_name,
        changed=labels_of(differing(told_by(before), told_by(row))) if before is not None else (),
    )


def _row(actor: Actor, slug: str) -> Preset:
    row = _visible(actor).filter(slug=slug).first()
    if row is None:
        raise NotFound(f"There is no preset {slug}.")
    return row


def _visible(actor: Actor) -> QuerySet[Preset, Preset]:
    visible = Project.objects.visible_to(actor).values("pk")
    return Preset.objects.filter(project__in=visible).select_related("project")


def _views(actor: Actor, rows: Sequence[Preset]) -> list[PresetView]:
    ids = [row.pk for row in rows]
    versions = PresetVersion.objects.filter(preset__in=ids, number=F("preset__latest"))
    newest = {version.preset_id: version for version in versions.defer("user_data_sealed")}
    orders = Order.objects.filter(preset_version__preset__in=ids).order_by()
    used = {
        preset: (count, last)
        for preset, count, last in orders.values_list("preset_version__preset").annotate(
            count=Count("pk"), last=Max("created_at")
        )
    }
    allowed = requestable_ids(actor)
    return [
        PresetView(
            slug=row.slug,
            name=row.name,
            project_slug=row.project.slug,
            project_name=row.project.name,
            environment=row.project.environment,
            latest=version_view(newest[row.pk]),
            used=used.get(row.pk, (0, None))[0],
            last_used_at=used.get(row.pk, (0, None))[1],
            created_at=row.created_at,
            created_by=row.created_by_name,
            retired_at=row.retired_at,
            retired_by=row.retired_by_name,
            may_change=allowed is None or row.project_id in allowed,
        )
        for row in rows
    ]
