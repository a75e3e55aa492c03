"""Proves the whole audit history: every entry follows the one before it, none is missing, none was added."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import F, OuterRef, Subquery

from reinstall.domain import chain
from reinstall.domain.actors import ENGINE, Actor
from reinstall.domain.anchors import Anchor
from reinstall.domain.errors import NotAllowed
from reinstall.domain.integrity import VERIFIED, Misfit, Verdict, in_order
from reinstall.models import AuditEvent, AuditStream, SystemFlag
from reinstall.services import anchoring, auditchecks, auditkeys
from reinstall.services.walking import End, walk

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)


@dataclass(slots=True)
class _Found:
    entries: int = 0
    misfits: list[Misfit] = field(default_factory=list)


def verify(*, now: datetime, anchors: Iterable[Anchor] = ()) -> Verdict:
    """Reads every entry there is at this moment, and holds it against the kept anchor and `anchors`.

    Entries may be written meanwhile: each stream is read up to where it ended when this began.
    """
    began = time.monotonic()
    keys, ends = auditkeys.all_keys(), _ends()
    found = _Found()
    for end in ends:
        walked = walk(end, keys)
        found.entries += walked.entries
        found.misfits += walked.misfits
    found.misfits += _around({end.number for end in ends})
    found.misfits += anchoring.against_kept()
    found.misfits += filter(None, map(anchoring.against, anchors))
    first_at, last_at = _span()
    return Verdict(
        at=now,
        entries=found.entries,
        first_at=first_at,
        last_at=last_at,
        anchor=anchoring.anchor_now(now),
        misfits=in_order(found.misfits),
        took_s=time.monotonic() - began,
    )


def verify_for(*, actor: Actor, now: datetime, anchors: Iterable[Anchor] = ()) -> Verdict:
    """Verifies because a person asked, and keeps what was found. Raises NotAllowed."""
    if not actor.sees_all or actor.scopes is not None:
        raise NotAllowed("This concerns every project: only a superuser may start it.")
    return _kept(verify(now=now, anchors=anchors), actor.name)


def verify_due(*, now: datetime) -> Verdict | None:
    """Verifies when the last time was a day ago, and keeps what was found; None when it was not due."""
    if SystemFlag.objects.filter(name=VERIFIED, set_at__gt=now - EVERY).exists():
        return None
    return _kept(verify(now=now), ENGINE.name)


def _span() -> tuple[datetime | None, datetime | None]:
    """The times of the first and the last entry; None where there is none, or where one is no moment."""
    times = AuditEvent.objects.order_by("id").values_list("at", flat=True)
    try:
        return times.first(), times.last()
    except (DatabaseError, ValueError):
        return None, None


def _ends() -> list[End]:
    columns = ("number", "position", "mac", "key_id", "signature")
    return [End(*row) for row in AuditStream.objects.order_by("number").values_list(*columns)]


def _around(numbers: set[int]) -> list[Misfit]:
    """What stands outside of the streams, and what would let it come there."""
    misfits = [Misfit(f"Stream {number} has lost its end.") for number in chain.missing(numbers)]
    lost = AuditEvent.objects.exclude(stream__in=numbers).order_by("id").values_list("pk", flat=True).first()
    if lost is not None:
        misfits.append(Misfit(f"Entry {lost} stands in a stream that has no end.", lost))
    last = AuditEvent.objects.filter(stream=OuterRef("number")).order_by("-position")
    # Both in one statement: an entry and the end of its stream are always seen together.
    beyond = AuditStream.objects.annotate(
        last=Subquery(last.values("position")[:1]), entry=Subquery(last.values("pk")[:1])
    ).filter(last__gt=F("position"))
    for number, entry in beyond.values_list("number", "entry"):
        misfits.append(Misfit(f"Entry {entry} stands behind the end of stream {number}.", entry))
    for name in auditchecks.missing_triggers():
        misfits.append(Misfit(f"The database would let entries be changed: its trigger {name} is missing."))
    return misfits


def _kept(verdict: Verdict, by: str) -> Verdict:
    if not verdict.unbroken:
        log.critical("the audit history does not fit together: %s", verdict.misfits[0].sentence)
    value: dict[str, Any] = {
        "entries": verdict.entries,
        "first": _text(verdict.first_at),
        "last": _text(verdict.last_at),
        "anchor": str(verdict.anchor),
        "misfits": [[one.sentence, one.entry_id] for one in verdict.misfits],
        "took_s": round(verdict.took_s, 1),
    }
    SystemFlag.objects.update_or_create(
        name=VERIFIED, defaults={"value": value, "set_by": by, "set_at": verdict.at}
    )
    return verdict


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
