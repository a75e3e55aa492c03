"""Writes the audit history. Always called inside the transaction of the act: no entry, no act."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotRecorded
from reinstall.models import AuditEvent, Project
from reinstall.models.outages import is_away
from reinstall.services import chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was done to which object. `before` and `after` hold the changed values, never a secret."""

    action: str
    object_type: str
    object_id: str
    object_label: str = ""
    project_slug: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    seq: int | None = None


def project_act(
    project: Project,
    action: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    note: str = "",
) -> Act:
    """What was done to a project as a whole."""
    return Act(
        action=action,
        object_type="project",
        object_id=project.slug,
        object_label=project.name,
        project_slug=project.slug,
        before=before or {},
        after=after or {},
        note=note,
    )


def record(*, actor: Actor, now: datetime, act: Act) -> None:
    """One entry. Raises NotRecorded when it cannot be written: the act is undone with it.

    Raises RuntimeError outside a transaction: then act and entry could part.
    """
    record_all(actor=actor, now=now, acts=[act])


def record_all(*, actor: Actor, now: datetime, acts: Sequence[Act]) -> None:
    """An entry for each of the acts, in their order. Raises as `record` does."""
    if not connection.in_atomic_block:
        raise RuntimeError("an audit entry is written in the transaction of its act")
    try:
        chain.append([_entry(actor, now, act) for act in acts])
    except (DatabaseError, ValueError, TypeError) as error:
        if is_away(error):
            raise
        raise NotRecorded("The audit entry of this act could not be written.") from error


def _entry(actor: Actor, now: datetime, act: Act) -> AuditEvent:
    return AuditEvent(
        at=now,
        actor_id=actor.user_id,
        actor_name=actor.name,
        source=actor.source,
        token_name=actor.token_name,
        address=actor.address,
        request_id=actor.request_id,
        action=act.action,
        object_type=act.object_type,
        object_id=act.object_id,
        object_label=act.object_label[:255],
        project_slug=act.project_slug,
        before=act.before,
        after=act.after,
        note=act.note,
        seq=act.seq,
    )
