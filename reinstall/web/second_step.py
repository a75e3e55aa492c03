"""The second step of a sign-in, and the proof asked for again before a grave act."""

import json
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from reinstall.domain.errors import RuleBroken
from reinstall.models import FailedTry
from reinstall.services import factors, passkeys, tries
from reinstall.web import kept, proving
from reinstall.web.forms import RefusedForm

_STATE = "passkey_state"
_READ_WRITE = ["GET", "HEAD", "POST"]
WRONG_PASSWORD = "This password does not fit. It is case-sensitive."


class CodeForm(RefusedForm):
    """A code of an app, or a recovery code; or what a passkey answered, filled in by the script."""

    code = forms.CharField(
        required=False,
        label="Code",
        max_length=40,
        help_text="6 digits from your app, or one of your recovery codes.",
        widget=forms.TextInput(
            {
                "class": "in mono",
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
                "aria-describedby": "id_code-hint",
            }
        ),
    )
    passkey = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput())


class PasswordForm(RefusedForm):
    """The password, once more."""

    password = forms.CharField(
        required=False,
        strip=False,
        label="Password",
        widget=forms.PasswordInput({"class": "in", "autocomplete": "current-password", "autofocus": True}),
    )


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(_READ_WRITE)
def code(request: HttpRequest) -> HttpResponse:
    """Asks for the second factor of whoever has just given a right password."""
    found = proving.waiting(request)
    if found is None:
        return redirect("sign-in")
    user, how, then = found
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            second = _second_factor(request, user, form)
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        else:
            proving.sign_in(request, user, (*how, second), second_factor=True)
            return HttpResponseRedirect(then)
    context = {"form": form, "asked": _asked(request, user), "name": user.get_username()}
    return render(request, "reinstall/signing/code.html", context)


@never_cache
@sensitive_post_parameters()
@require_http_methods(_READ_WRITE)
def again(request: HttpRequest) -> HttpResponse:
    """Asks the signed-in person to prove who they are: with their second factor, the password without one."""
    user = request.user
    assert isinstance(user, User)
    then = next_of(request)
    second = factors.has_factor(user.pk)
    sort = CodeForm if second else PasswordForm
    form = sort(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            how = _second_factor(request, user, form) if second else _password(request, user, form)
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        else:
            proving.proved(request, how, second_factor=second)
            answer = HttpResponseRedirect(then)
            answer.status_code = 303
            return answer
    context: dict[str, Any] = {"form": form, "next": then, "second": second, "kept": kept.waits(request)}
    context["asked"] = _asked(request, user) if second else ""
    context["sso"] = settings.SIGN_ON if not second and not user.has_usable_password() else None
    context["no_password"] = not second and not user.has_usable_password()
    return render(request, "reinstall/signing/again.html", context)


def next_of(request: HttpRequest) -> str:
    """Where the person was going: a page of this portal, or the first one."""
    said = request.POST.get("next") or request.GET.get("next", "")
    own = url_has_allowed_host_and_scheme(said, {request.get_host()}, require_https=request.is_secure())
    return said if own else "/servers/"


def _second_factor(request: HttpRequest, user: User, form: RefusedForm) -> str:
    """What the person proved it with. Raises RuleBroken, TooMany among them."""
    said, now = form.cleaned_data, timezone.now()
    one = tries.Try(user.get_username(), _address(request), FailedTry.Step.CODE)
    number = tries.begin(one=one, now=now)
    if said["passkey"]:
        how, wrong = _passkey(request, user, said["passkey"]), passkeys.WRONG
    else:
        how, wrong = factors.check_code(user=user, code=said["code"], now=now), factors.WRONG_CODE
    if not how:
        tries.note_locked(one=one, now=now, number=number)
        raise RuleBroken(wrong, "code", "wrong")
    tries.was_right(one=one)
    return how


def _passkey(request: HttpRequest, user: User, answer: str) -> str:
    """ "passkey" where the answer is right. A question is answered once."""
    state = request.session.pop(_STATE, None)
    try:
        said = json.loads(answer)
    except ValueError:
        return ""
    if state is None or not isinstance(said, dict):
        return ""
    site, now = proving.site_of(request), timezone.now()
    right = passkeys.check_passkey(site=site, user_id=user.pk, state=state, answer=said, now=now)
    return "passkey" if right else ""


def _password(request: HttpRequest, user: User, form: RefusedForm) -> str:
    now = timezone.now()
    one = tries.Try(user.get_username(), _address(request))
    number = tries.begin(one=one, now=now)
    if not user.check_password(form.cleaned_data["password"]):
        tries.note_locked(one=one, now=now, number=number)
        raise RuleBroken(WRONG_PASSWORD, "password", "wrong")
    tries.was_right(one=one)
    return "password"


def _asked(request: HttpRequest, user: User) -> dict[str, Any] | None:
    """What the page's script asks the browser for; None where there is no passkey that can be used here."""
    site = proving.site_of(request)
    if not site.may_use or not passkeys.has_passkey(user.pk):
        return None
    asked = passkeys.ask_for_proof(site=site, user_id=user.pk)
    request.session[_STATE] = asked.state
    return asked.options


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
