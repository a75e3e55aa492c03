"""People who sign in as a browser does: with a password, an app, and at a time the test chooses."""

from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.proofs import KEY, Proof
from reinstall.services import factors
from tests.reinstall.rows import an_actor

PASSWORD = "correct horse battery"


def code_of(secret: str, *, later: int = 0) -> str:
    """What an app shows now, or `later` steps of 30 seconds from now."""
    step = int(timezone.now().timestamp()) // factors.PERIOD_S + later
    return str(format_hotp_value(hotp_value(secret, step)))


def with_app(user: User) -> tuple[str, tuple[str, ...]]:
    """Gives the person an app; returns its secret and the recovery codes. A code of now still works."""
    secret, then = factors.new_secret(), timezone.now() - timedelta(minutes=10)
    step = int(then.timestamp()) // factors.PERIOD_S
    added = factors.add_totp(
        actor=an_actor(user, proved_at=then),
        now=then,
        user=user,
        secret=secret,
        code=str(format_hotp_value(hotp_value(secret, step))),
        key="",
    )
    return secret, added.codes


def signed_in(user: User, **changes: Any) -> Client:
    """A browser with a session of the person: by default just proved, with a second factor."""
    client = Client()
    client.force_login(user)
    proved(client, **changes)
    return client


def proved(client: Client, **changes: Any) -> None:
    """Writes into the session of `client` what it proved."""
    now: datetime = timezone.now()
    values: dict[str, Any] = {
        "signed_in_at": now,
        "seen_at": now,
        "proved_at": now,
        "second_factor": True,
    }
    session = client.session
    session[KEY] = Proof(**(values | changes)).to_json()
    session.save()


def by_password(user: User, **more: Any) -> Client:
    """A browser that went through the first step of the sign-in page."""
    client = Client(**more)
    client.post("/sign-in/", {"username": user.username, "password": PASSWORD})
    return client
