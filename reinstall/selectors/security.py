"""What a person sees of their own sign-in: second factors, and where they are signed in."""

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator

from reinstall.domain.actors import Actor
from reinstall.domain.agents import device_words
from reinstall.models import SignedIn

Type = Authenticator.Type


@dataclass(frozen=True, slots=True)
class Factor:
    """An app or a passkey. name: as the person called it."""

    id: int
    kind: str
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the person is signed in; `here`: in the browser that asks."""

    id: int
    device: str
    address: str
    signed_in_at: datetime
    seen_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Security:
    """All of it. codes_left: None where there are no recovery codes."""

    app: Factor | None
    passkeys: tuple[Factor, ...]
    codes_left: int | None
    places: tuple[Place, ...]

    @property
    def has_factor(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def security_of(actor: Actor, key: str) -> Security:
    """The actor's own; `key` is that of the session they ask with."""
    rows = list(Authenticator.objects.filter(user_id=actor.user_id).order_by("created_at", "pk"))
    found = [_factor(row) for row in rows if row.type != Type.RECOVERY_CODES]
    left = next((row.data["left"] for row in rows if row.type == Type.RECOVERY_CODES), None)
    places = tuple(_place(row, key) for row in SignedIn.objects.filter(user_id=actor.user_id or 0))
    return Security(
        app=next((one for one in found if one.kind == Type.TOTP), None),
        passkeys=tuple(one for one in found if one.kind == Type.WEBAUTHN),
        codes_left=left,
        places=tuple(sorted(places, key=lambda place: not place.here)),
    )


def _factor(row: Authenticator) -> Factor:
    name = row.data["name"] if row.type == Type.WEBAUTHN else "Authenticator app"
    return Factor(row.pk, row.type, name, row.created_at, row.last_used_at)


def _place(row: SignedIn, key: str) -> Place:
    device = device_words(row.agent)
    return Place(row.pk, device, row.address, row.signed_in_at, row.seen_at, row.key == key)
