"""Second factors of people: a code from an app (TOTP), passkeys, recovery codes for the day both are lost.

The rows are allauth's; what is secret in them is sealed for the person it belongs to. A code counts once.
"""

import base64
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import constant_time_compare

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.sealing import CannotOpen
from reinstall.services import history, proof, sessions, vault

Type = Authenticator.Type
#: Seconds a code is shown by an app, and how many neighbours count: clocks of phones differ.
PERIOD_S, NEIGHBOURS = 30, 1
CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
WRONG_CODE = "This code does not fit. Wait for the next one, and look at the clock of your phone."


@dataclass(frozen=True, slots=True)
class Added:
    """A factor just added. `codes`: recovery codes made with it, shown once; empty where there were some."""

    factor: Authenticator
    codes: tuple[str, ...]


def new_secret() -> str:
    """A secret for an app, in base32."""
    return str(generate_totp_secret())


def add_totp(*, actor: Actor, now: datetime, user: User, secret: str, code: str, key: str) -> Added:
    """Adds the app whose `secret` made `code`, in place of one from before; ends the sessions but `key`.

    Raises RuleBroken where the code does not fit, NeedsProof.
    """
    proof.must_be_fresh(actor, now=now)
    step = _step_of(secret, code, now, after=0)
    if step is None:
        raise RuleBroken(WRONG_CODE, "code", "wrong")
    data = {"secret": _seal(secret.encode(), user.pk, Type.TOTP), "last_step": step}
    with transaction.atomic():
        Authenticator.objects.filter(user=user, type=Type.TOTP).delete()
        factor = Authenticator.objects.create(user=user, type=Type.TOTP, data=data, last_used_at=now)
        return _added(actor, now, factor, key)


def add_passkey(
    *, actor: Actor, now: datetime, user: User, name: str, data: dict[str, Any], key: str
) -> Added:
    """Adds a passkey the browser has just made (services.passkeys); ends the sessions but `key`."""
    proof.must_be_fresh(actor, now=now)
    said = name.strip()
    if not said or len(said) > 60 or not said.isprintable():
        raise RuleBroken("Give the passkey a name of 1 to 60 characters, like the device it is on.", "name")
    with transaction.atomic():
        factor = Authenticator.objects.create(
            user=user, type=Type.WEBAUTHN, data={"name": said, **data}, last_used_at=now
        )
        return _added(actor, now, factor, key)


def remove_factor(*, actor: Actor, now: datetime, factor_id: int, key: str) -> None:
    """Takes an app or a passkey of the actor's own away; with the last one the recovery codes go too."""
    proof.must_be_fresh(actor, now=now)
    with transaction.atomic():
        mine = Authenticator.objects.filter(user_id=actor.user_id).exclude(type=Type.RECOVERY_CODES)
        found = mine.filter(pk=factor_id).first()
        if found is None:
            raise NotFound("There is no such second factor of yours.")
        found.delete()
        if not mine.exists():
            Authenticator.objects.filter(user_id=actor.user_id).delete()
        sessions.end_all(user_id=found.user_id, keep=key)
        _record(actor, now, "factor.removed", found.user, {"factor": _kind(found)})


def make_codes(*, actor: Actor, now: datetime, user: User) -> tuple[str, ...]:
    """New recovery codes, in place of the old ones. They are shown once."""
    proof.must_be_fresh(actor, now=now)
    with transaction.atomic():
        if not has_factor(user.pk):
            raise RuleBroken("Recovery codes stand in for a second factor. Set one up first.")
        return _new_codes(actor, now, user)


def reset_factors(*, actor: Actor, now: datetime, username: str) -> int:
    """Takes every second factor of a person away and signs them out: for who has lost them all."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFound(f"There is no account {username}.")
    with transaction.atomic():
        kinds = [_kind(one) for one in Authenticator.objects.filter(user=user)]
        Authenticator.objects.filter(user=user).delete()
        sessions.end_all(user_id=user.pk)
        _record(actor, now, "factor.reset", user, {"factors": kinds})
    return len(kinds)


def has_factor(user_id: int) -> bool:
    """Whether the person has a second factor to be asked for."""
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=(Type.TOTP, Type.WEBAUTHN)).exists())


def check_code(*, user: User, code: str, now: datetime) -> str:
    """Which factor `code` proves: "totp", "recovery_code", or "" for none. It counts once."""
    typed = "".join(code.split()).replace("-", "").lower()
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user)
        for row in rows.filter(type__in=(Type.TOTP, Type.RECOVERY_CODES)).order_by("-type"):
            data = _used(row, typed, now)
            if data is not None:
                row.data, row.last_used_at = data, now
                row.save(update_fields=["data", "last_used_at"])
                return "totp" if row.type == Type.TOTP else "recovery_code"
    return ""


def rewrapped(row: Authenticator) -> dict[str, Any] | None:
    """Its data under the current key; None where nothing of it is sealed. Raises CannotOpen."""
    name = {Type.TOTP: "secret", Type.RECOVERY_CODES: "codes"}.get(Type(row.type))
    if name is None:
        return None
    fresh = vault.rewrap(base64.b64decode(row.data[name]), place=_place(row.user_id, row.type))
    return {**row.data, name: base64.b64encode(fresh).decode()}


def _used(row: Authenticator, typed: str, now: datetime) -> dict[str, Any] | None:
    """The row's data after `typed` was used; None where it does not fit, or its key is gone."""
    try:
        if row.type == Type.TOTP:
            step = _step_of(_open(row, "secret"), typed, now, after=row.data["last_step"])
            return None if step is None else {**row.data, "last_step": step}
        codes = json.loads(_open(row, "codes"))
    except CannotOpen:
        return None
    left = [one for one in codes if not constant_time_compare(one, typed)]
    if len(left) == len(codes):
        return None
    return _codes_data(left, row.user_id)


def _step_of(secret: str, typed: str, now: datetime, *, after: int) -> int | None:
    """The step of time whose code was typed, later than the last one that was used."""
    current = int(now.timestamp()) // PERIOD_S
    typed = "".join(typed.split())
    for step in range(current - NEIGHBOURS, current + NEIGHBOURS + 1):
        if step > after and constant_time_compare(format_hotp_value(hotp_value(secret, step)), typed):
            return step
    return None


def _added(actor: Actor, now: datetime, factor: Authenticator, key: str) -> Added:
    user = factor.user
    sessions.end_all(user_id=user.pk, keep=key)
    _record(actor, now, "factor.added", user, {"factor": _kind(factor)})
    there = Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).exists()
    return Added(factor, () if there else _new_codes(actor, now, user))


def _new_codes(actor: Actor, now: datetime, user: User) -> tuple[str, ...]:
    codes = tuple("".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(CODES))
    Authenticator.objects.update_or_create(
        user=user,
        type=Type.RECOVERY_CODES,
        defaults={"data": _codes_data(codes, user.pk)},
    )
    _record(actor, now, "recovery_codes.made", user, {"codes": CODES})
    return tuple(f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes)


def _codes_data(codes: Sequence[str], user_id: int) -> dict[str, Any]:
    sealed = _seal(json.dumps(codes).encode(), user_id, Type.RECOVERY_CODES)
    return {"codes": sealed, "left": len(codes)}


def _place(user_id: int, kind: str) -> str:
    # A person has one row of each sealed kind: person and kind are the row.
    return f"mfa_authenticator:{kind}:{user_id}"


def _seal(plain: bytes, user_id: int, kind: str) -> str:
    return base64.b64encode(vault.seal_text(plain, place=_place(user_id, kind))).decode()


def _open(row: Authenticator, name: str) -> str:
    return vault.open_text(base64.b64decode(row.data[name]), place=_place(row.user_id, row.type)).decode()


def _kind(factor: Authenticator) -> str:
    return f"passkey {factor.data['name']}" if factor.type == Type.WEBAUTHN else str(factor.type)


def sealed_rows() -> Iterator[Authenticator]:
    """Rows in which something is sealed, for a change of the encryption key."""
    yield from Authenticator.objects.exclude(type=Type.WEBAUTHN).order_by("pk").iterator()


def _record(actor: Actor, now: datetime, action: str, user: User, after: dict[str, Any]) -> None:
    act = history.Act(
        action=action,
        object_type="account",
        object_id=str(user.pk),
        object_label=user.get_username(),
        after=after,
    )
    history.record(actor=actor, now=now, act=act)
