"""Writes down outside of the database where the audit history ends: an hourly line in the log stream."""

import logging
from datetime import datetime

from reinstall.domain.actors import ENGINE
from reinstall.domain.anchors import Anchor, anchor_of, digest_of, read_anchor
from reinstall.domain.integrity import ANCHOR, Misfit
from reinstall.models import AuditEvent, AuditStream, SystemFlag

log = logging.getLogger(__name__)


def anchor_now(now: datetime) -> Anchor:
    """Where every stream ends at this moment; one statement, so no entry is half in it."""
    return anchor_of(AuditStream.objects.values_list("number", "position", "mac"), now)


def drop_anchor(*, now: datetime) -> Anchor:
    """Logs the anchor of this moment and keeps it: who bends the history later has to bend the log too."""
    anchor = anchor_now(now)
    log.info("audit_anchor %s", anchor)
    SystemFlag.objects.update_or_create(
        name=ANCHOR, defaults={"value": {"line": str(anchor)}, "set_by": ENGINE.name, "set_at": now}
    )
    return anchor


def against(anchor: Anchor) -> Misfit | None:
    """What the history before an anchor says against it; None when it is still the one anchored then."""
    ends = {}
    for number, position in anchor.ends.items():
        there = AuditEvent.objects.filter(stream=number, position=position)
        ends[number] = (position, there.values_list("mac", flat=True).first() or "")
    if sum(anchor.ends.values()) == anchor.entries and digest_of(ends) == anchor.digest:
        return None
    when = anchor.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Misfit(f"What was written before {when} is not what was anchored then ({anchor.short}).")


def against_kept() -> list[Misfit]:
    """What the history says against the newest anchor that was kept; nothing where none was."""
    flag = SystemFlag.objects.filter(name=ANCHOR).first()
    if flag is None:
        return []
    try:
        misfit = against(read_anchor(str(flag.value.get("line"))))
    except ValueError:
        return [Misfit("The anchor that was kept in the database was changed.")]
    return [misfit] if misfit else []
