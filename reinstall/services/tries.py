"""How often one may try to prove who one is. Kept in the database: all processes count the same tries.

Per name and address, so that nobody is locked out by somebody elsewhere; and per address, for all names
together. A second factor is counted per person, whatever the address: its codes are short.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import RuleBroken
from reinstall.models import FailedTry
from reinstall.services import history

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=15)
#: Wrong tries within the window; the one after them is not looked at.
PER_NAME, PER_ADDRESS = 5, 50


class TooMany(RuleBroken):
    """Not looked at: too many tries. `until`: when there may be another one."""

    def __init__(self, until: datetime) -> None:
        # The first whole minute at which it is true.
        shown = (until + timedelta(seconds=59)).strftime("%H:%M")
        super().__init__(f"Too many tries. Try again at {shown}.", code="too_many")
        self.until = until


@dataclass(frozen=True, slots=True)
class Try:
    """One try, by whoever typed `name` at `address`. step: password or code."""

    name: str
    address: str
    step: str = FailedTry.Step.PASSWORD

    @property
    def who(self) -> str:
        name = self.name.strip().casefold()
        return salted_hmac("reinstall.tries", name, algorithm="sha256").hexdigest()


def begin(*, one: Try, now: datetime) -> int:
    """Counts a try before it is looked at; returns its number for `was_right`. Raises TooMany."""
    since = now - WINDOW
    number = FailedTry.objects.create(step=one.step, who=one.who, address=one.address, at=now).pk
    there = FailedTry.objects.filter(step=one.step, address=one.address)
    for counted, most in ((_same(one), PER_NAME), (there, PER_ADDRESS)):
        # The try that is not looked at does not count: who waits is let in at the time the page says.
        # All others there are: of several at once, the last to look sees those of everybody before it.
        tries = counted.filter(at__gt=since).exclude(pk=number)
        times = list(tries.order_by("-at", "-pk").values_list("at", flat=True)[:most])
        if len(times) == most:
            FailedTry.objects.filter(pk=number).delete()
            raise TooMany(times[-1] + WINDOW)
    return number


def was_right(*, one: Try) -> None:
    """Forgets the tries that are counted with this one: the person has proved who they are."""
    _same(one).delete()


def note_locked(*, one: Try, now: datetime, number: int) -> None:
    """Writes into the audit history that a name was locked, once for each time: with its last wrong try.

    What was typed stays out where there is no account of that name.
    """
    if _same(one).filter(at__gt=now - WINDOW, pk__lte=number).count() != PER_NAME:
        return
    log.warning("sign-in locked address=%s step=%s", one.address, one.step)
    person = User.objects.filter(username=one.name).first()
    actor = Actor(user_id=None, name="somebody", source=Source.BROWSER, address=one.address)
    act = history.Act(
        action="account.locked",
        object_type="account",
        object_id=str(person.pk) if person else "",
        object_label=person.username if person else "a name nobody has",
        after={"step": str(one.step), "tries": PER_NAME, "minutes": int(WINDOW.total_seconds() // 60)},
    )
    with transaction.atomic():
        history.record(actor=actor, now=now, act=act)


def _same(one: Try) -> QuerySet[FailedTry]:
    """Tries that count together with this one."""
    same = FailedTry.objects.filter(step=one.step, who=one.who)
    return same.filter(address=one.address) if one.step == FailedTry.Step.PASSWORD else same


def forget_tries(*, now: datetime) -> int:
    """Deletes tries that count no more; returns how many."""
    return FailedTry.objects.filter(at__lte=now - WINDOW).delete()[0]
