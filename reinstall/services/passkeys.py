"""Passkeys: what the browser is asked, and whether its answer is right.

The portal's own host is the relying party and its exact origin must be in the answer. The person is always
verified by the device (PIN, finger, face). A counter that runs backwards is a copied key: it is refused.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import transaction
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from reinstall.domain.errors import RuleBroken

WRONG = "This passkey was not accepted. Try again, or take another way."


@dataclass(frozen=True, slots=True)
class Site:
    """Where the portal is: "https://portal.example.com" and its host."""

    host: str
    origin: str

    @property
    def may_use(self) -> bool:
        """Whether browsers have passkeys here: on https and for a name, or on localhost."""
        named = not self.host.replace(".", "").isdigit() and ":" not in self.host
        return named and (self.origin.startswith("https://") or self.host == "localhost")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the browser is asked, and what the session has to keep until it answers."""

    options: dict[str, Any]
    state: dict[str, Any]


def ask_for_new(*, site: Site, user: User) -> Asked:
    """Asks for a new passkey of `user`, on a device that holds none of theirs yet."""
    person = PublicKeyCredentialUserEntity(
        id=str(user.pk).encode(), name=user.get_username(), display_name=user.get_username()
    )
    options, state = _server(site).register_begin(
        person,
        list(_credentials(user.pk).values()),
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Asked(dict(options), dict(state))


def read_new(*, site: Site, state: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """What is kept of the new passkey: nothing secret. Raises RuleBroken."""
    try:
        made = _server(site).register_complete(state, answer)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RuleBroken(WRONG, "passkey", "wrong") from None
    assert made.credential_data is not None
    return {"public": websafe_encode(bytes(made.credential_data)), "uses": made.counter}


def ask_for_proof(*, site: Site, user_id: int) -> Asked:
    """Asks for one of the person's passkeys."""
    options, state = _server(site).authenticate_begin(
        list(_credentials(user_id).values()), user_verification=UserVerificationRequirement.REQUIRED
    )
    return Asked(dict(options), dict(state))


def check_passkey(
    *, site: Site, user_id: int, state: dict[str, Any], answer: dict[str, Any], now: datetime
) -> bool:
    """Whether the answer is by one of the person's passkeys, made for this question."""
    try:
        with transaction.atomic():
            known = _credentials(user_id)
            used = _server(site).authenticate_complete(state, list(known.values()), answer)
            uses = AuthenticationResponse.from_dict(answer).response.authenticator_data.counter
            row = next(pk for pk, one in known.items() if one.credential_id == used.credential_id)
            return _counts(row, int(uses), now)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def has_passkey(user_id: int) -> bool:
    """Whether there is one to be asked for."""
    mine = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN)
    return bool(mine.exists())


def _counts(row: int, uses: int, now: datetime) -> bool:
    factor = Authenticator.objects.select_for_update().get(pk=row)
    before: int = factor.data["uses"]
    # Many devices do not count: theirs is always 0.
    if uses <= before and (uses or before):
        return False
    factor.data, factor.last_used_at = {**factor.data, "uses": uses}, now
    factor.save(update_fields=["data", "last_used_at"])
    return True


def _credentials(user_id: int) -> dict[int, AttestedCredentialData]:
    rows = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN).order_by("pk")
    return {row.pk: AttestedCredentialData(websafe_decode(row.data["public"])) for row in rows}


def _server(site: Site) -> Fido2Server:
    entity = PublicKeyCredentialRpEntity(name="ecsportal", id=site.host)
    return Fido2Server(entity, verify_origin=lambda origin: origin == site.origin)
