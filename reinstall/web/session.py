"""Sign-in and sign-out, each with its entry in the audit history; one door for the pages and the admin."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import CharField, PasswordInput, TextInput
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone

from reinstall.selectors.projects import only_simulated
from reinstall.services import factors, sessions, tries
from reinstall.services.tries import Try
from reinstall.web import drafts, proving
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

    def clean(self) -> dict[str, Any]:
        """Looks at the password, unless there were too many wrong ones; then it is not looked at."""
        said = self.cleaned_data
        if not (said.get("username") and said.get("password")) or self.request is None:
            return super().clean()
        one, now = Try(said["username"], self.request.META.get("REMOTE_ADDR", "")), timezone.now()
        try:
            number = tries.begin(one=one, now=now)
        except tries.TooMany as refused:
            raise ValidationError(str(refused), code="too_many") from None
        try:
            cleaned = super().clean()
        except ValidationError:
            tries.note_locked(one=one, now=now, number=number)
            raise
        tries.was_right(one=one)
        return cleaned


class StaffForm(SignInForm):
    """The same, for the pages only staff may open."""

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not user.is_staff:
            raise self.get_invalid_login_error()


class SignIn(views.LoginView):
    """The first step: name and password. Whoever has a second factor is not signed in by it yet."""

    template_name = "reinstall/sign_in.html"
    authentication_form = SignInForm

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if factors.has_factor(user.pk):
            proving.wait_for_second(self.request, user, ("password",), self.get_success_url())
            return redirect("sign-in-code")
        proving.sign_in(self.request, user, ("password",), second_factor=False)
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "kept": drafts.waits(self.request),
            "simulated": only_simulated(),
            "sso": settings.SIGN_ON,
        }

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        # The name stays out: people type passwords into that field.
        log.warning("sign-in refused address=%s", self.request.META.get("REMOTE_ADDR", ""))
        return super().form_invalid(form)


class SignOut(views.LogoutView):
    """Signs out and writes that down in one transaction."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            if request.user.is_authenticated:
                key = request.session.session_key or ""
                sessions.note_signed_out(actor=actor_of(request), now=timezone.now(), key=key)
            return super().post(request, *args, **kwargs)


sign_in = SignIn.as_view(redirect_authenticated_user=True)
#: The admin's own address; whoever is signed in without being staff gets the form, not a loop.
staff_sign_in = SignIn.as_view(authentication_form=StaffForm, next_page="/admin/")
#: Also for whoever is signed out already: an old page sends them to the sign-in, not back to here.
sign_out = login_not_required(SignOut.as_view())
