"""A new encryption key takes the place of the old one, while everything goes on.

Only the data key of each record is wrapped anew; no secret is opened. A run and its audit entry are one
transaction. Each row is written by an UPDATE that names what was read, so a change that came between is not
overwritten, and the next run finds that row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Model, QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed
from reinstall.domain.sealing import CannotOpen
from reinstall.models import AuditKey, Order, PresetVersion, Project
from reinstall.services import auditkeys, factors, history, links, presets, vault
from reinstall.services.requests import password_place, user_data_place

BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many secrets are under `key` now: those of before, those of this run; and which do not open."""

    key: str
    already: int
    rewrapped: int
    shut: tuple[str, ...]


def rotate_keys(*, actor: Actor, now: datetime) -> Rotated:
    """Puts every stored secret under the first key. May be broken off and run again.

    A secret that does not open is left as it is and named. Raises NotAllowed.
    """
    if not actor.sees_all or actor.scopes is not None:
        raise NotAllowed("This concerns every project: only a superuser may do it.")
    with transaction.atomic():
        done = _rotated()
        _record(actor, now, done)
    return done


def _rotated() -> Rotated:
    already, rewrapped, shut = 0, 0, list[str]()
    for rows, column, place in _places():
        for row in _batches(rows):
            sealed = bytes(getattr(row, column))
            try:
                fresh = vault.rewrap(sealed, place=place(row))
            except CannotOpen as error:
                shut.append(str(error))
                continue
            if fresh == sealed:
                already += 1
            else:
                rewrapped += rows.filter(pk=row.pk, **{column: sealed}).update(**{column: fresh})
    for factor in factors.sealed_rows():
        try:
            data = factors.rewrapped(factor)
        except CannotOpen as error:
            shut.append(str(error))
            continue
        if data in (None, factor.data):
            already += 1
        else:
            rewrapped += Authenticator.objects.filter(pk=factor.pk, data=factor.data).update(data=data)
    return Rotated(vault.current_key(), already, rewrapped, tuple(shut))


def _places() -> list[tuple[QuerySet[Any], str, Callable[[Any], str]]]:
    """Where secrets are stored: rows, column, and what each is sealed for."""
    scripts = Order.objects.exclude(user_data_sealed=b"").only("pk", "user_data_sealed")
    passwords = Order.objects.exclude(adminpass_sealed=b"").only("pk", "adminpass_sealed")
    templates = PresetVersion.objects.exclude(user_data_sealed=b"").only("pk", "user_data_sealed")
    return [
        (Project.objects.only("pk", "credentials_sealed"), "credentials_sealed", links.credentials_place),
        (scripts, "user_data_sealed", user_data_place),
        (passwords, "adminpass_sealed", password_place),
        (templates, "user_data_sealed", presets.script_place),
        (AuditKey.objects.only("pk", "key_sealed"), "key_sealed", auditkeys.key_place),
    ]


def _batches(rows: QuerySet[Any]) -> Iterator[Model]:
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from found
        last = found[-1].pk


def _record(actor: Actor, now: datetime, done: Rotated) -> None:
    act = history.Act(
        action="keys.rotated",
        object_type="system",
        object_id="keys",
        object_label=f"encryption key {done.key}",
        after={"rewrapped": done.rewrapped, "already": done.already, "do_not_open": len(done.shut)},
    )
    history.record(actor=actor, now=now, act=act)
