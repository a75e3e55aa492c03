"""Same key, same answer: a request with an Idempotency-Key is carried out once per principal."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from reinstall.domain.errors import Conflict, RuleBroken
from reinstall.models import IdempotencyKey

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
KEEP = timedelta(days=30)
#: A first request that died without an answer gives its key back after this long.
ABANDONED = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer that was given the first time."""

    status: int
    answer: Any


def begin(*, principal: str, key: str, fingerprint: str, now: datetime) -> Replay | None:
    """None: go ahead, the key is yours. Replay: answer that.

    Raises RuleBroken when the key is none or came with another body, Conflict while the first request is at
    work.
    """
    if not _KEY.fullmatch(key):
        raise RuleBroken(
            "An Idempotency-Key has 1 to 128 printable ASCII characters, like a UUID.",
            "Idempotency-Key",
            "format",
        )
    row = _taken_by(principal, key, fingerprint, now)
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise RuleBroken(
            "This Idempotency-Key was used with another body. Send a new key.",
            "Idempotency-Key",
            "key_reused",
        )
    if row.status is not None:
        return Replay(row.status, row.answer)
    taken_over = IdempotencyKey.objects.filter(
        pk=row.pk, status=None, created_at=row.created_at, created_at__lt=now - ABANDONED
    ).update(created_at=now)
    if taken_over:
        return None
    raise Conflict("The first request with this Idempotency-Key is still at work.", code="in_progress")


def _taken_by(principal: str, key: str, fingerprint: str, now: datetime) -> IdempotencyKey | None:
    """The row that has the key already; None when it is taken now, by this request."""
    for _ in range(5):
        try:
            with transaction.atomic():
                IdempotencyKey.objects.create(
                    principal=principal, key=key, fingerprint=fingerprint, created_at=now
                )
            return None
        except IntegrityError:
            row = IdempotencyKey.objects.filter(principal=principal, key=key).first()
            if row is not None:
                return row
        # The first request gave its key back between the two looks.
    raise Conflict("Many requests use this Idempotency-Key at once.", code="in_progress")


def finish(*, principal: str, key: str, status: int, answer: Any) -> None:
    """Keeps the answer for the next request with this key."""
    IdempotencyKey.objects.filter(principal=principal, key=key).update(status=status, answer=answer)


def abandon(*, principal: str, key: str) -> None:
    """Gives the key back: nothing was done (a rejected validation is not kept)."""
    IdempotencyKey.objects.filter(principal=principal, key=key, status=None).delete()


def forget_old(*, now: datetime) -> int:
    """Deletes keys older than 30 days; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEEP).delete()[0]
