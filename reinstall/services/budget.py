"""The calls a cloud is asked for, counted for all workers of all hosts in one row per cloud and share.

Whoever wants to call takes from the row by a conditional UPDATE; a pause the cloud asked for stands in the
same row, so it holds for everybody from the moment it is known.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from ecsclient.exchange import Exchange
from reinstall.domain.budgets import Bucket, Rate, Share, limit_in, pause_after, rate_of
from reinstall.models import Budget

#: Losing the race for the row this often means that many others are served; the caller waits a moment.
_TRIES = 12
_A_MOMENT = timedelta(milliseconds=200)
_dice = random.Random()


@dataclass(frozen=True, slots=True)
class Turn:
    """`calls` may be made now. Where that is fewer than were wanted, `again_at` says when to ask again."""

    calls: int
    again_at: datetime


def take(*, cloud_id: int, share: Share, now: datetime, calls: int, least: int | None = None) -> Turn:
    """Takes up to `calls` from the share, nothing where it holds fewer than `least` (default: `calls`)."""
    least = calls if least is None else least
    for _ in range(_TRIES):
        row = _row(cloud_id, share, now)
        rate, bucket = _rate(row), _bucket(row)
        held = bucket.holds(rate, now)
        granted = min(int(held + 1e-9), calls)
        if granted < least or granted == 0:
            return Turn(0, bucket.ready_at(rate, now, least or 1))
        same = Q(pk=row.pk, tokens=row.tokens, refilled_at=row.refilled_at, blocked_until=row.blocked_until)
        left = held - granted
        if Budget.objects.filter(same).update(tokens=left, refilled_at=max(now, row.refilled_at)):
            after = Bucket(left, now)
            return Turn(granted, after.ready_at(rate, now, 1) if granted < calls else now)
    return Turn(0, now + _A_MOMENT)


def give_back(*, cloud_id: int, share: Share, calls: int) -> None:
    """Returns calls that were taken and not made."""
    row = Budget.objects.filter(cloud_id=cloud_id, share=share).first()
    if row is not None and calls > 0:
        same = Q(pk=row.pk, tokens=row.tokens, refilled_at=row.refilled_at)
        Budget.objects.filter(same).update(tokens=min(row.tokens + calls, _rate(row).burst))


def line(*, cloud_id: int, share: Share, now: datetime) -> tuple[int, Rate, datetime]:
    """(calls that could be made now, the rate, when the next one can be); takes nothing."""
    row = _row(cloud_id, share, now)
    rate, bucket = _rate(row), _bucket(row)
    return int(bucket.holds(rate, now)), rate, bucket.ready_at(rate, now, 1)


def brake(
    *, cloud_id: int, share: Share, now: datetime, asked_s: float | None, message: str = ""
) -> datetime:
    """The cloud throttled a call of the share: nobody calls before the time returned.

    `asked_s`: seconds the cloud asked for, None where it named none. A limit in `message` lowers the rate.
    """
    until = now + timedelta(seconds=pause_after(asked_s, _dice))
    row = _row(cloud_id, share, now)
    shorter = Q(blocked_until=None) | Q(blocked_until__lt=until)
    # What had been saved up is gone too: after a pause nobody starts with a burst.
    Budget.objects.filter(shorter, pk=row.pk).update(blocked_until=until, tokens=0.0, refilled_at=until)
    named = limit_in(message)
    if named is not None:
        higher = Q(limit_per_s=None) | Q(limit_per_s__gt=named)
        Budget.objects.filter(higher, pk=row.pk).update(limit_per_s=named)
    return until


def heard(cloud_id: int, share: Share, call: Exchange, now: datetime) -> None:
    """Brakes where the answer to `call` said "too many"."""
    if call.throttled:
        brake(cloud_id=cloud_id, share=share, now=now, asked_s=call.pause_s, message=call.error)


def _row(cloud_id: int, share: Share, now: datetime) -> Budget:
    known = Budget.objects.filter(cloud_id=cloud_id, share=share).first()
    if known is not None:
        return known
    full = rate_of(share, settings.CALLS_PER_SECOND[share]).burst
    made, _ = Budget.objects.get_or_create(
        cloud_id=cloud_id, share=share, defaults={"tokens": full, "refilled_at": now}
    )
    return made


def _rate(row: Budget) -> Rate:
    return rate_of(Share(row.share), settings.CALLS_PER_SECOND[row.share], row.limit_per_s)


def _bucket(row: Budget) -> Bucket:
    return Bucket(row.tokens, row.refilled_at, row.blocked_until)
