"""Where a person is signed in: begun, renewed with each proof, ended by them or by what they changed."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.models import SignedIn
from reinstall.services import history


@dataclass(frozen=True, slots=True)
class Begun:
    """A session just begun: its key, the browser's name for itself, and how its person was proved.

    how: password, sso, and what came second: totp, passkey, recovery_code.
    """

    key: str
    agent: str
    how: tuple[str, ...]


def begin_session(*, actor: Actor, now: datetime, begun: Begun) -> None:
    """Lists the session and writes the sign-in into the audit history, in its transaction."""
    assert actor.user_id is not None
    SignedIn.objects.update_or_create(
        key=begun.key,
        defaults={
            "user_id": actor.user_id,
            "address": actor.address[:45],
            "agent": begun.agent[:300],
            "signed_in_at": now,
            "seen_at": now,
        },
    )
    _record(actor, now, "account.signed_in", {"with": list(begun.how)})


def renew_session(*, actor: Actor, now: datetime, old_key: str, new_key: str, how: str) -> None:
    """The session goes on under a new key, since its person proved anew who they are."""
    SignedIn.objects.filter(key=old_key).update(key=new_key, seen_at=now)
    _record(actor, now, "account.proved", {"with": how})


def follow_key(*, old_key: str, new_key: str) -> None:
    """The session has another key, and nothing else was done."""
    SignedIn.objects.filter(key=old_key).update(key=new_key)


def note_seen(*, key: str, now: datetime) -> None:
    """The person is still there."""
    SignedIn.objects.filter(key=key).update(seen_at=now)


def end_session(*, actor: Actor, now: datetime, session_id: int) -> str:
    """Signs the actor out where `session_id` says; returns the key of that session. Raises NotFound."""
    with transaction.atomic():
        found = SignedIn.objects.filter(user_id=actor.user_id or 0, pk=session_id).first()
        if found is None:
            raise NotFound("This session has ended already.")
        _end([found])
        _record(actor, now, "session.revoked", {"sessions": 1, "address": found.address})
    return found.key


def end_others(*, actor: Actor, now: datetime, keep: str) -> int:
    """Signs the actor out everywhere but in the session `keep`; returns where it was."""
    with transaction.atomic():
        others = list(SignedIn.objects.filter(user_id=actor.user_id or 0).exclude(key=keep))
        _end(others)
        if others:
            _record(actor, now, "session.revoked", {"sessions": len(others)})
    return len(others)


def end_all(*, user_id: int, keep: str = "") -> int:
    """Signs a person out everywhere, as a part of what changed about them; returns where it was."""
    found = list(SignedIn.objects.filter(user_id=user_id).exclude(key=keep))
    _end(found)
    return len(found)


def note_signed_out(*, actor: Actor, now: datetime, key: str) -> None:
    """Writes that the actor signed out, in its transaction."""
    SignedIn.objects.filter(key=key).delete()
    _record(actor, now, "account.signed_out", {})


def forget_ended_sessions(*, now: datetime) -> int:
    """Deletes sessions whose time is over, and with them the forms that waited in them; returns how many."""
    ended = Session.objects.filter(expire_date__lt=now).delete()[0]
    SignedIn.objects.exclude(key__in=Session.objects.values("session_key")).delete()
    return ended


def _end(found: list[SignedIn]) -> None:
    Session.objects.filter(session_key__in=[one.key for one in found]).delete()
    SignedIn.objects.filter(pk__in=[one.pk for one in found]).delete()


def _record(actor: Actor, now: datetime, action: str, after: dict[str, object]) -> None:
    act = history.Act(
        action=action,
        object_type="account",
        object_id=str(actor.user_id),
        object_label=actor.name,
        after=after,
    )
    history.record(actor=actor, now=now, act=act)
