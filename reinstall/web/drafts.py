"""A form sent after the session had ended: kept sealed for a while, shown again after signing in, not placed.

It waits in the anonymous session of the browser that sent it, for the person the form was made for and nobody
else: the form's once-only key says who that is.
"""

import base64
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.utils import timezone

from reinstall.domain.sealing import CannotOpen
from reinstall.services import vault
from reinstall.web.forms import ReinstallForm
from reinstall.web.once import person_of
from reinstall.web.presence import still_there

KEPT_FOR = timedelta(minutes=30)
_KEPT = "draft"
#: What is typed anew: the confirmation belongs to the moment, the file stays with the browser, a password is
#: never sent back to one.
_LEFT_OUT = {"confirm", "user_data_file", "adminpass"}


class SignInFirst(LoginRequiredMiddleware):
    """Leads everybody who is not signed in to the sign-in page; a reinstall form they sent is kept."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: Any,
        view_kwargs: Any,
    ) -> HttpResponseBase | None:
        if getattr(view_func, "login_required", True) and request.user.is_authenticated:
            still_there(request, timezone.now())
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        about = _about(request) if request.method == "POST" else None
        if about is not None:
            keep(request, about)
        return super().handle_no_permission(request, view_func)


def _about(request: HttpRequest) -> uuid.UUID | None:
    """What a reinstall form is about: its server, or its selection of many; None for any other page."""
    match = request.resolver_match
    if match is None:
        return None
    if match.url_name == "reinstall":
        server_id: uuid.UUID = match.kwargs["server_id"]
        return server_id
    if match.url_name != "reinstall-many":
        return None
    try:
        return uuid.UUID(request.GET.get("selection", ""))
    except ValueError:
        return None


def keep(request: HttpRequest, server_id: uuid.UUID) -> None:
    """Keeps what was typed, where the form was really ours. Nobody fills the database without an account."""
    person = person_of(server_id, request.POST.get("once", ""))
    if person is None:
        return
    names = (set(ReinstallForm.base_fields) - _LEFT_OUT) & set(request.POST)
    typed = {name: request.POST[name] for name in sorted(names)}
    sealed = vault.seal_record(typed, place=_place(person, server_id))
    request.session[_KEPT] = {
        "person": person,
        "server": str(server_id),
        "until": (timezone.now() + KEPT_FOR).isoformat(),
        "sealed": base64.b64encode(sealed).decode(),
    }
    request.session.set_expiry(KEPT_FOR)


def waits(request: HttpRequest) -> bool:
    """Whether this browser has sent a form that waits for its sign-in."""
    return _KEPT in request.session


def signed_in(request: HttpRequest) -> None:
    """The session is a person's from here on: it lives as long as others, and holds nobody else's form."""
    kept = request.session.get(_KEPT)
    if kept is None:
        return
    if kept["person"] != request.user.pk:
        forget(request)


def draft_of(request: HttpRequest, server_id: uuid.UUID) -> QueryDict | None:
    """What this person typed into the form of this server (or selection) before they had to sign in again."""
    kept = request.session.get(_KEPT)
    if kept is None or (kept["person"], kept["server"]) != (request.user.pk, str(server_id)):
        return None
    if timezone.now() > datetime.fromisoformat(kept["until"]):
        return None
    try:
        typed = vault.open_record(base64.b64decode(kept["sealed"]), place=_place(kept["person"], server_id))
    except CannotOpen:
        # Its key is gone: better an empty form than none.
        return None
    draft = QueryDict(mutable=True)
    draft.update(typed)
    return draft


def forget(request: HttpRequest) -> None:
    """The form was sent, or is somebody else's."""
    if _KEPT in request.session:
        del request.session[_KEPT]


def _place(person: int, server_id: uuid.UUID) -> str:
    return f"session:draft:{person}:{server_id}"
