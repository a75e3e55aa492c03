"""Readings of the inventory, as pages and REST show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.models import Project, SyncRun

_KINDS = ("added", "changed", "gone")


@dataclass(frozen=True, slots=True)
class Difference:
    """A server that was added, changed or gone; `fields` names what changed."""

    id: str
    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SyncView:
    """One reading. `state` is waiting, reading, complete or incomplete; `read` counts what `phase` is about,
    servers once it has ended. Of each kind of difference the first 50 are named."""

    id: int
    project_slug: str
    state: str
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    phase: str
    read: int
    announced: int | None
    added: int
    changed: int
    gone: int
    key_pairs: int
    kms_keys: int
    images: int
    problems: tuple[str, ...]
    added_servers: tuple[Difference, ...]
    changed_servers: tuple[Difference, ...]
    gone_servers: tuple[Difference, ...]

    @property
    def open(self) -> bool:
        """Whether it goes on, or waits for its turn."""
        return self.ended_at is None

    @property
    def differs(self) -> bool:
        """Whether anything was other than before."""
        return bool(self.added or self.changed or self.gone)

    @property
    def servers(self) -> int:
        """How many servers were read, once it has ended."""
        return 0 if self.open else self.read

    @property
    def in_words(self) -> str:
        """Where it is, or what it found: one sentence."""
        if self.state == "waiting":
            return "Waiting for its turn to read the cloud."
        if self.open:
            of = f" of {self.announced:,}" if self.announced is not None else ""
            return f"Reading {self.phase or 'the cloud'}: {self.read:,}{of}."
        found = f"+{self.added:,}, {self.changed:,} changed, {self.gone:,} gone"
        return f"{self.read:,} servers read: {found if self.differs else 'nothing has changed'}."


def latest_sync(actor: Actor, project: Project | str) -> SyncView | None:
    """The newest reading of a project; None where there was none, or the project is not theirs."""
    slug = project if isinstance(project, str) else project.slug
    run = _visible(actor, slug).first()
    return None if run is None else _view(run)


def get_sync(actor: Actor, slug: str, run_id: int | None = None) -> SyncView:
    """One reading of a project, the newest without a number. Raises NotFound, also when it is not theirs."""
    rows = _visible(actor, slug)
    run = rows.filter(pk=run_id).first() if run_id is not None else rows.first()
    if run is None:
        what = f"reading #{run_id}" if run_id is not None else "reading yet"
        raise NotFound(f"There is no {what} of {slug}.")
    return _view(run)


def _visible(actor: Actor, slug: str) -> Any:
    visible = Project.objects.visible_to(actor).filter(slug=slug).values("pk")
    return SyncRun.objects.filter(project__in=visible).select_related("project")


def _view(run: SyncRun) -> SyncView:
    if run.ended_at is None:
        state = "waiting" if run.started_at is None else "reading"
    else:
        state = "complete" if run.complete else "incomplete"
    counts = run.differences.get("counts", {})
    named = {f"{kind}_servers": _differences(run.differences.get(kind, ())) for kind in _KINDS}
    return SyncView(
        id=run.pk,
        project_slug=run.project.slug,
        state=state,
        requested_by=run.requested_by_name,
        requested_at=run.requested_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        phase=run.phase,
        read=run.read,
        announced=run.announced,
        added=run.added,
        changed=run.changed,
        gone=run.gone,
        key_pairs=counts.get("key_pairs", 0),
        kms_keys=counts.get("kms_keys", 0),
        images=counts.get("images", 0),
        problems=tuple(run.problems),
        **named,
    )


def _differences(rows: Any) -> tuple[Difference, ...]:
    return tuple(Difference(row["id"], row["name"], tuple(row.get("fields", ()))) for row in rows)
