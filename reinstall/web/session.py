"""Sign-in and sign-out, with an entry in the audit history for each, whichever page they happen on."""

import logging
from typing import Any

from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.forms import CharField, PasswordInput, TextInput
from django.http import HttpRequest
from django.utils import timezone

from reinstall.services import accounts
from reinstall.web.actors import actor_of

log = logging.getLogger(__name__)


class SignInForm(AuthenticationForm):
    """One sentence for every failure, so that nobody learns which names exist."""

    error_messages = {
        "invalid_login": "This user name and password do not fit. Both are case-sensitive.",
        "inactive": "This user name and password do not fit. Both are case-sensitive.",
    }
    username = CharField(
        label="User name",
        error_messages={"required": "Enter your user name."},
        widget=TextInput(
            attrs={"class": "in", "autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = CharField(
        label="Password",
        strip=False,
        error_messages={"required": "Enter your password."},
        widget=PasswordInput(attrs={"class": "in", "autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest | None = None, *args: object, **kwargs: object) -> None:
        super().__init__(request, *args, **kwargs)
        self.label_suffix = ""


sign_in = views.LoginView.as_view(
    template_name="reinstall/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)
#: Also for whoever is signed out already: an old page sends them to the sign-in, not back to here.
sign_out = login_not_required(views.LogoutView.as_view())


@receiver(user_logged_in, dispatch_uid="note sign-in")
def _signed_in(request: HttpRequest, **_: Any) -> None:
    _note(request, "signed_in")


@receiver(user_logged_out, dispatch_uid="note sign-out")
def _signed_out(request: HttpRequest, user: object, **_: Any) -> None:
    # Also sent when somebody without a session presses the button of an old page.
    if user is not None:
        _note(request, "signed_out")


@receiver(user_login_failed, dispatch_uid="log refused sign-in")
def _refused(request: HttpRequest | None = None, **_: Any) -> None:
    # The name stays out: people type passwords into that field.
    log.warning("sign-in refused address=%s", request.META.get("REMOTE_ADDR", "") if request else "")


def _note(request: HttpRequest, verb: str) -> None:
    """Without the entry there is no session: an error here is a page 500, which stores none."""
    if "REMOTE_ADDR" in request.META:  # a session that a program made came from nowhere
        accounts.note_session(actor=actor_of(request), now=timezone.now(), verb=verb)
