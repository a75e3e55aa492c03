"""Accounts of people: Django keeps them, the audit history says who changed which."""

from datetime import datetime

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from reinstall.domain.actors import Actor
from reinstall.services import history


def note_account(*, actor: Actor, now: datetime, user: User, verb: str, note: str) -> None:
    """Writes that an account was added, changed or deleted; called in the transaction of that act.

    `verb` is added, changed or deleted. Never holds a password, old or new, nor its hash.
    """
    after = {
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
    }
    act = history.Act(
        action=f"account.{verb}",
        object_type="account",
        object_id=str(user.pk),
        object_label=user.get_username(),
        after={} if verb == "deleted" else after,
        note=note,
    )
    history.record(actor=actor, now=now, act=act)


def forget_ended_sessions(*, now: datetime) -> int:
    """Deletes sessions whose time is over, and with them the forms that waited in them; returns how many."""
    return Session.objects.filter(expire_date__lt=now).delete()[0]


def note_session(*, actor: Actor, now: datetime, verb: str) -> None:
    """Writes that the actor signed in or out, in its transaction; `verb` is signed_in or signed_out."""
    act = history.Act(
        action=f"account.{verb}",
        object_type="account",
        object_id=str(actor.user_id),
        object_label=actor.name,
    )
    history.record(actor=actor, now=now, act=act)
