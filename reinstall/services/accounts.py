"""Accounts of people: Django keeps them, the audit history says who changed which."""

from datetime import datetime

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.services import history, proof, sessions


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
    if verb == "deleted" or not user.is_active:
        sessions.end_all(user_id=user.pk)


def who_may_sign_in(user_id: int) -> User | None:
    """The person of an account that is not disabled."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def change_password(*, actor: Actor, now: datetime, user: User, old: str, new: str, key: str) -> None:
    """Sets a person's own password and ends their sessions but `key`.

    Raises RuleBroken naming old_password or new_password, NeedsProof.
    """
    proof.must_be_fresh(actor, now=now)
    if not user.check_password(old):
        raise RuleBroken("This is not your present password.", "old_password", "wrong")
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise RuleBroken(" ".join(error.messages), "new_password", "weak") from None
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        sessions.end_all(user_id=user.pk, keep=key)
        act = history.Act(
            action="account.password_changed",
            object_type="account",
            object_id=str(user.pk),
            object_label=user.get_username(),
        )
        history.record(actor=actor, now=now, act=act)
