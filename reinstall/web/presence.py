"""Whether the person of a session is still there, and whether its time is over."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest

from reinstall.domain.proofs import KEY, Proof
from reinstall.services import sessions

_MINUTE = timedelta(minutes=1)
#: Pages ask these by themselves, whether somebody is there or not.
_UNATTENDED = {"job-fragment", "job-events", "server-changes", "sync-progress", "cloud-test-steps"}


def still_there(request: HttpRequest, now: datetime) -> None:
    """Ends a session whose time is over; notes, to the minute, that its person is there."""
    proof = Proof.of(request.session)
    if proof.signed_in_at is None or proof.seen_at is None:
        return
    if proof.is_over(now, timedelta(seconds=settings.SESSION_COOKIE_AGE)):
        logout(request)
        return
    match = request.resolver_match
    if now - proof.seen_at >= _MINUTE and match is not None and match.url_name not in _UNATTENDED:
        request.session[KEY] = replace(proof, seen_at=now).to_json()
        sessions.note_seen(key=request.session.session_key or "", now=now)
