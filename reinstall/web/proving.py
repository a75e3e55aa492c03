"""The session of a person, from the proof of who they are to its end. Its key changes with each proof."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone

from reinstall.domain.proofs import KEY, Proof
from reinstall.services import accounts, sessions
from reinstall.services.passkeys import Site
from reinstall.web import drafts
from reinstall.web.actors import actor_of

#: So long somebody who has given the password may take for the second factor.
STEP = timedelta(minutes=10)
#: Of allauth and Django there are several; this one keeps the names and passwords.
BACKEND = "django.contrib.auth.backends.ModelBackend"
_PENDING = "pending"


def sign_in(request: HttpRequest, user: User, how: tuple[str, ...], *, second_factor: bool) -> None:
    """Signs the person in and writes that down, in one transaction. how: what they proved it with."""
    now = timezone.now()
    with transaction.atomic():
        login(request, user, backend=BACKEND)
        request.session.pop(_PENDING, None)
        drafts.signed_in(request)
        request.session.set_expiry(settings.SESSION_IDLE_S)
        _keep(request, Proof(now, now, now, second_factor))
        if not request.session.session_key:
            # Somebody else was signed in here: their session is gone, and the new one has no key yet.
            request.session.cycle_key()
        agent = request.headers.get("User-Agent", "")
        begun = sessions.Begun(request.session.session_key or "", agent, how)
        sessions.begin_session(actor=actor_of(request), now=now, begun=begun)


def wait_for_second(request: HttpRequest, user: User, how: tuple[str, ...], then: str) -> None:
    """The password was right: the second factor is asked next, and nobody is signed in yet."""
    request.session.cycle_key()
    until = timezone.now() + STEP
    request.session[_PENDING] = {"user": user.pk, "how": list(how), "next": then, "until": until.isoformat()}


def waiting(request: HttpRequest) -> tuple[User, tuple[str, ...], str] | None:
    """Whose second factor this browser waits for, what they proved it with so far, where they want to go."""
    pending = request.session.get(_PENDING)
    if pending is None or timezone.now() > datetime.fromisoformat(pending["until"]):
        return None
    user = accounts.who_may_sign_in(pending["user"])
    return None if user is None else (user, tuple(pending["how"]), pending["next"])


def proved(request: HttpRequest, how: str, *, second_factor: bool) -> None:
    """The signed-in person proved anew who they are: the session goes on under a new key."""
    now, before, old = timezone.now(), Proof.of(request.session), request.session.session_key or ""
    with transaction.atomic():
        request.session.cycle_key()
        rotate_token(request)
        stronger = second_factor or before.second_factor
        _keep(request, Proof(before.signed_in_at or now, now, now, stronger))
        new = request.session.session_key or ""
        sessions.renew_session(actor=actor_of(request), now=now, old_key=old, new_key=new, how=how)


def without_second_factor(request: HttpRequest) -> None:
    """The person has no second factor any more: this session counts as one signed in without."""
    _keep(request, replace(Proof.of(request.session), second_factor=False))


def site_of(request: HttpRequest) -> Site:
    """Where this portal is, for passkeys."""
    origin = settings.BASE_URL or f"{request.scheme}://{request.get_host()}"
    return Site(request.get_host().rpartition(":")[0] or request.get_host(), origin)


def _keep(request: HttpRequest, proof: Proof) -> None:
    request.session[KEY] = proof.to_json()
