"""Empties the scripts and passwords of orders that ended long ago: nobody needs them any more.

What is left says that there was one: the script's size and SHA-256, and that a password was set.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from reinstall.domain.actors import ENGINE
from reinstall.domain.states import ACTIVE
from reinstall.models import Job, Order
from reinstall.services import history

#: Orders one run empties: it comes again within the hour.
AT_ONCE = 5000


def forget_secrets(*, now: datetime) -> int:
    """Empties the envelopes of orders all of whose jobs ended before the days to keep; returns how many."""
    before = now - timedelta(days=settings.KEEP_SECRETS_DAYS)
    jobs = Job.objects.filter(order=OuterRef("pk"))
    needed = jobs.filter(Q(state__in=sorted(ACTIVE)) | Q(ended_at__gte=before))
    full = Order.objects.filter(~Q(user_data_sealed=b"") | ~Q(adminpass_sealed=b""), created_at__lt=before)
    with transaction.atomic():
        ids = list(full.filter(~Exists(needed)).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        count = Order.objects.filter(pk__in=ids).update(user_data_sealed=b"", adminpass_sealed=b"")
        if count:
            _record(count, now)
    return count


def _record(count: int, now: datetime) -> None:
    act = history.Act(
        action="secrets.forgotten",
        object_type="system",
        object_id="secrets",
        object_label=f"scripts and passwords of {count:,} orders",
        after={"orders": count, "days_kept": settings.KEEP_SECRETS_DAYS},
    )
    history.record(actor=ENGINE, now=now, act=act)
