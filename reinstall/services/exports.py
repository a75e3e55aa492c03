"""Who took what out of the audit history: an export is itself an entry."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.services import history


def note_export(*, actor: Actor, now: datetime, narrowed: Mapping[str, str], form: str, entries: int) -> None:
    """Records that `entries` entries of the filter `narrowed` go out as a file. No entry, no file."""
    act = history.Act(
        action="audit.exported",
        object_type="audit",
        object_id=form,
        object_label=f"{entries:,} entries as {form.upper()}",
        project_slug=narrowed.get("project", ""),
        after={"filter": dict(narrowed), "format": form, "entries": entries},
    )
    with transaction.atomic():
        history.record(actor=actor, now=now, act=act)
