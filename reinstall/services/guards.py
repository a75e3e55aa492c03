"""What keeps the engine from sending: freeze, breaker, a database gone back in time, clocks, lost rights.

Every guard holds jobs, none ends one: a held job says why on its page and goes on when the guard is lifted.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from ecsclient.exchange import Exchange
from reinstall.domain import breakers
from reinstall.domain.actors import ENGINE, Actor
from reinstall.domain.breakers import HELD, HOLDABLE
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.redaction import plain_text
from reinstall.domain.states import Verdict
from reinstall.models import Attempt, Cloud, Job, SystemFlag
from reinstall.models.clock import database_now
from reinstall.services import access, history, marks, moves, proof

log = logging.getLogger(__name__)

FREEZE, READ_ONLY = "freeze", "read_only"
#: Held jobs are looked at again this often; lifting a guard wakes them at once.
LOOK_AGAIN = timedelta(seconds=30)
SKEW_WARNS_S, SKEW_BLOCKS_S = 60.0, 300.0

#: Cloud -> seconds its clock is ahead of the database's, as last heard here.
_skews: dict[int, float] = {}
_standing_by = ""


def refusal_to_start() -> str:
    """Why no worker may start on this database, "" when it may. The first start writes down whose it is."""
    marks.settle_identity(database_now())
    return _not_ours(_flags())


def look_back(*, now: datetime) -> None:
    """Once a second in each worker: is this still our database? If not, nothing is sent for now."""
    global _standing_by
    marks.settle_identity(now)
    flags = _flags()
    _standing_by = _not_ours(flags)
    if _standing_by or READ_ONLY in flags:
        return
    if not (why := marks.contradiction(flags)):
        return marks.remember()
    log.critical("%s Nothing is sent until manage.py after_restore was run.", why)
    _set(READ_ONLY, ENGINE, now, why, {"on": True})


def standing_by() -> str:
    """Why this process must not touch any job, "" normally. As fresh as its last tick."""
    return _standing_by


def _not_ours(flags: dict[str, SystemFlag]) -> str:
    owner, schema = flags.get(marks.DEPLOYMENT), flags.get(marks.SCHEMA)
    if owner is not None and owner.value.get("id") != settings.DEPLOYMENT_ID:
        return (
            f"This database belongs to deployment {owner.value.get('id')!r}, and ECSPORTAL_DEPLOYMENT_ID is "
            f"{settings.DEPLOYMENT_ID!r}. A copy must not act on the original's servers."
        )
    if schema is not None and int(schema.value.get("epoch", 0)) > marks.SCHEMA_EPOCH:
        return "The rows are written by a newer version of the portal; this worker leaves them to it."
    return ""


def may_begin(job: Job, now: datetime) -> str:
    """ "" when the job may be looked at and prepared, else a sentence for `waiting_for`."""
    flags = _flags(job.project.cloud_id)
    held = _not_ours(flags) or _read_only(flags) or _frozen(flags) or _broken(flags, job.project.cloud_id)
    held = held or _without_right(job)
    return f"{HELD}{held}" if held else ""


def may_arm(job: Job, now: datetime) -> str:
    """As `may_begin`, asked after the last look, right before arming; knows the cloud's clock."""
    held = may_begin(job, now)
    if held:
        return held
    skewed = clocks_differ(job.project.cloud_id)
    if skewed:
        return skewed
    if why := marks.contradiction(_flags()):
        _set(READ_ONLY, ENGINE, now, why, {"on": True})
        return f"{HELD}{why}"
    return ""


def clocks_differ(cloud_id: int) -> str:
    """The sentence that holds a job while the cloud's clock is far from ours, "" when it is near enough."""
    skew = _skews.get(cloud_id, 0.0)
    if abs(skew) <= SKEW_BLOCKS_S:
        return ""
    return (
        f"{HELD}the cloud's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this "
        "portal's. A signature would not hold; set the clock (NTP)."
    )


def hold(job: Job, sentence: str, now: datetime) -> None:
    """Leaves the job in its state for a while, with the sentence on its page."""
    text = plain_text(sentence, 500)
    moves.touch(job, announce=job.waiting_for != text, next_at=now + LOOK_AGAIN, waiting_for=text)


def _flags(cloud_id: int | None = None) -> dict[str, SystemFlag]:
    names = [FREEZE, READ_ONLY, marks.DEPLOYMENT, marks.EPOCH, marks.TIMELINE, marks.SCHEMA]
    names += [breaker_name(cloud_id)] if cloud_id is not None else []
    return {flag.name: flag for flag in SystemFlag.objects.filter(name__in=names)}


def breaker_name(cloud_id: int) -> str:
    """The flag of a cloud's breaker."""
    return f"breaker:{cloud_id}"


def _read_only(flags: dict[str, SystemFlag]) -> str:
    flag = flags.get(READ_ONLY)
    return f"{flag.reason} An operator must run manage.py after_restore." if flag else ""


def _frozen(flags: dict[str, SystemFlag]) -> str:
    flag = flags.get(FREEZE)
    return f"{flag.set_by} has stopped all reinstalls: {flag.reason}" if flag else ""


def _broken(flags: dict[str, SystemFlag], cloud_id: int) -> str:
    flag = flags.get(breaker_name(cloud_id))
    return flag.reason if flag is not None and flag.value.get("open") else ""


def _without_right(job: Job) -> str:
    """The person who asked must still be allowed to, at the moment it happens."""
    if access.person_may_request(job.order.requested_by, job.project):
        return ""
    name = job.order.requested_by_name
    return f"{name}, who asked for this, may no longer reinstall in {job.project.name}."


def must_accept_orders() -> None:
    """Raises Conflict while the database is not trusted: an order placed now could be lost or doubled."""
    flag = SystemFlag.objects.filter(name=READ_ONLY).first()
    if flag is not None:
        raise Conflict(f"The portal is read-only: {flag.reason}", code="read_only")


# ---------------------------------------------------------------- freeze


def freeze(*, actor: Actor, now: datetime, reason: str) -> None:
    """Stops all sending until `lift_freeze`. Raises NotAllowed, RuleBroken without a reason."""
    _must_rule(actor, now)
    _set(FREEZE, actor, now, _reason(reason), {"on": True})


def lift_freeze(*, actor: Actor, now: datetime, reason: str, seen: datetime | None = None) -> None:
    """Lets held jobs go on. Lifting what is not set changes nothing.

    seen: when the freeze that was looked at was set; Conflict when there is a newer one.
    """
    _must_rule(actor, now)
    why = _reason(reason)
    with transaction.atomic():
        there = SystemFlag.objects.filter(name=FREEZE)
        if (there.filter(set_at=seen) if seen else there).delete()[0]:
            _record("system.freeze_lifted", FREEZE, actor, now, why)
            wake_held(now)
        elif newer := there.first():
            raise Conflict(f"{newer.set_by} has stopped them anew: “{newer.reason}”. Nothing was changed.")


def _must_rule(actor: Actor, now: datetime) -> None:
    limited = actor.only_projects is not None or (actor.scopes is not None and "request" not in actor.scopes)
    if limited or not actor.sees_all:
        raise NotAllowed("This concerns every project: only a superuser may do it, without a narrower token.")
    proof.must_be_proved(actor, now=now)


def _reason(reason: str) -> str:
    text = plain_text(reason, 500).strip()
    if not text:
        raise RuleBroken(
            "Say why. The reason is shown to everybody it concerns and kept in the audit log.",
            "reason",
            "required",
        )
    return text


def _set(name: str, actor: Actor, now: datetime, reason: str, value: dict[str, object]) -> None:
    with transaction.atomic():
        _, made = SystemFlag.objects.update_or_create(
            name=name, defaults={"value": value, "reason": reason[:500], "set_by": actor.name, "set_at": now}
        )
        _record(f"system.{name.partition(':')[0]}_set", name, actor, now, reason)


def wake_held(now: datetime) -> int:
    """Held jobs are due at once; whether they may go is asked anew."""
    held = Job.objects.filter(state__in=HOLDABLE, lease_until__lte=now, waiting_for__startswith=HELD)
    return held.update(next_at=now)


def _record(action: str, name: str, actor: Actor, now: datetime, note: str) -> None:
    act = history.Act(action=action, object_type="system", object_id=name, object_label=name, note=note)
    history.record(actor=actor, now=now, act=act)


# ---------------------------------------------------------------- breaker


def note_outcome(job: Job, now: datetime) -> None:
    """After a call: opens the cloud's breaker when answers are unclear or fail too often."""
    last = job.attempts.order_by("-number").first()
    if not settings.BREAKER or last is None:
        return
    if last.verdict != Verdict.UNKNOWN and (last.status or 0) < 500:
        return
    cloud_id = job.project.cloud_id
    flag = SystemFlag.objects.filter(name=breaker_name(cloud_id)).first()
    if flag is not None and flag.value.get("open"):
        return
    since = max(now - breakers.WINDOW, flag.set_at) if flag is not None else now - breakers.WINDOW
    why = breakers.why_open(**_answers(cloud_id, since))
    if why:
        log.critical("breaker of cloud %s: %s", job.project.cloud, why)
        _set(breaker_name(cloud_id), ENGINE, now, f"{job.project.cloud}: {why}", {"open": True})


def _answers(cloud_id: int, since: datetime) -> dict[str, Any]:
    # An attempt without a phase was left by a worker that died: that says nothing about the cloud.
    answered = Attempt.objects.filter(intent_at__gt=since, job__project__cloud=cloud_id).exclude(phase="")
    return answered.aggregate(
        every=Count("pk"),
        unclear=Count("pk", filter=Q(verdict=Verdict.UNKNOWN)),
        errors=Count("pk", filter=Q(status__gte=500)),
    )


def close_breaker(*, actor: Actor, now: datetime, cloud_id: int, reason: str) -> None:
    """Lets the cloud's jobs go on; answers from now on count. Nothing happens when it is not open.

    Raises NotFound, NotAllowed, RuleBroken without a reason.
    """
    _must_rule(actor, now)
    why = _reason(reason)
    if not Cloud.objects.filter(pk=cloud_id).exists():
        raise NotFound(f"There is no cloud {cloud_id}.")
    name = breaker_name(cloud_id)
    with transaction.atomic():
        # Conditional: of two who close it at once, one did.
        opened = SystemFlag.objects.filter(name=name, value__open=True)
        if opened.update(value={"open": False}, reason=why, set_by=actor.name, set_at=now):
            _record("system.breaker_closed", name, actor, now, why)
            wake_held(now)


# ---------------------------------------------------------------- clocks


def forget_clocks() -> None:
    """Drops what was heard of the clouds' clocks (tests)."""
    _skews.clear()


def note_cloud_time(cloud_id: int, call: Exchange, now: datetime) -> None:
    """Hears the cloud's clock in a call that just ended; a difference that matters is kept for all to see."""
    if call.cloud_time is None:
        return
    skew = (call.cloud_time - now).total_seconds()
    before, _skews[cloud_id] = _skews.get(cloud_id), skew
    matters = abs(skew) > SKEW_WARNS_S
    if before is not None and matters == (abs(before) > SKEW_WARNS_S):
        return
    name = f"skew:{cloud_id}"
    if matters:
        log.warning("the clock of cloud %s is %.0f s from this portal's", cloud_id, skew)
        reason = f"The cloud's clock is {skew:+.0f} s from this portal's; over 300 s nothing is sent."
        SystemFlag.objects.update_or_create(
            name=name,
            defaults={"value": {"s": skew}, "reason": reason, "set_by": ENGINE.name, "set_at": now},
        )
    else:
        SystemFlag.objects.filter(name=name).delete()
