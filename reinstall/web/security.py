"""A person's own sign-in: second factors, password, and where they are signed in."""

import base64
import json
from urllib.parse import quote, urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reinstall.domain.errors import RuleBroken
from reinstall.domain.sealing import CannotOpen
from reinstall.selectors.security import security_of
from reinstall.services import accounts, factors, passkeys, proof, sessions, tries, vault
from reinstall.web import proving
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated
from reinstall.web.forms import RefusedForm
from reinstall.web.qr import qr_of
from reinstall.web.second_step import next_of

_READ_WRITE = ["GET", "HEAD", "POST"]
_SECRET, _STATE = "totp_secret", "new_passkey_state"


class AppForm(RefusedForm):
    """The first code of an app."""

    code = forms.CharField(
        required=False,
        max_length=10,
        label="Code the app shows",
        widget=forms.TextInput(
            {"class": "in mono w340", "autocomplete": "one-time-code", "inputmode": "numeric"}
        ),
    )


class PasskeyForm(RefusedForm):
    """A name, and what the browser made; filled in by the script."""

    name = forms.CharField(
        required=False,
        label="Name",
        help_text="The device it is on, like “laptop” or “blue key”.",
        widget=forms.TextInput(
            {"class": "in w340", "maxlength": 60, "autocomplete": "off", "aria-describedby": "id_name-hint"}
        ),
    )
    passkey = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput())


class NewPasswordForm(RefusedForm):
    """The present password and the new one; password managers make and keep it."""

    old_password = forms.CharField(
        required=False,
        strip=False,
        label="Present password",
        widget=forms.PasswordInput({"class": "in w340", "autocomplete": "current-password"}),
    )
    new_password = forms.CharField(
        required=False,
        strip=False,
        label="New password",
        help_text="12 characters or more. A sentence is good.",
        widget=forms.PasswordInput(
            {"class": "in w340", "autocomplete": "new-password", "aria-describedby": "id_new_password-hint"}
        ),
    )


@never_cache
@require_GET
@translated
def security(request: HttpRequest) -> HttpResponse:
    """Second factors, password, sessions."""
    context = {
        "security": security_of(actor_of(request), request.session.session_key or ""),
        "has_password": _person(request).has_usable_password(),
        "passkeys_here": proving.site_of(request).may_use,
        "needed": proof.is_asked(None),
    }
    return render(request, "reinstall/security/page.html", context)


@never_cache
@sensitive_post_parameters()
@sensitive_variables("secret")
@require_http_methods(_READ_WRITE)
@translated
def app_new(request: HttpRequest) -> HttpResponse:
    """Shows the secret for an app; a code made with it adds the app."""
    actor, user, now = actor_of(request), _person(request), timezone.now()
    if _has_one_elsewhere(request):
        return see_other("sign-in-again", query=urlencode({"next": _then(request)}))
    proof.must_be_fresh(actor, now=now)
    secret = _secret(request)
    form = AppForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        code, key = form.cleaned_data["code"], request.session.session_key or ""
        try:
            added = factors.add_totp(actor=actor, now=now, user=user, secret=secret, code=code, key=key)
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        else:
            del request.session[_SECRET]
            return _added(request, "totp", added.codes)
    label = quote(f"ecsportal:{user.get_username()}@{request.get_host()}")
    address = f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'ecsportal'})}"
    spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    context = {"form": form, "qr": qr_of(address), "secret": spaced, "next": _then(request)}
    return render(request, "reinstall/security/app.html", context)


@never_cache
@sensitive_post_parameters()
@require_http_methods(_READ_WRITE)
@translated
def passkey_new(request: HttpRequest) -> HttpResponse:
    """Asks the browser for a passkey, and adds it."""
    actor, user, now = actor_of(request), _person(request), timezone.now()
    if _has_one_elsewhere(request):
        return see_other("sign-in-again", query=urlencode({"next": _then(request)}))
    proof.must_be_fresh(actor, now=now)
    site = proving.site_of(request)
    form = PasskeyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            data = passkeys.read_new(site=site, state=request.session.pop(_STATE, {}), answer=_answer(form))
            name, key = form.cleaned_data["name"], request.session.session_key or ""
            added = factors.add_passkey(actor=actor, now=now, user=user, name=name, data=data, key=key)
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        else:
            return _added(request, "passkey", added.codes)
    asked = passkeys.ask_for_new(site=site, user=user) if site.may_use else None
    if asked is not None:
        request.session[_STATE] = asked.state
    context = {"form": form, "asked": asked and asked.options, "next": _then(request)}
    return render(request, "reinstall/security/passkey.html", context)


@never_cache
@require_POST
@translated
def codes_new(request: HttpRequest) -> HttpResponse:
    """New recovery codes, shown this once."""
    codes = factors.make_codes(actor=actor_of(request), now=timezone.now(), user=_person(request))
    return _codes_page(request, codes)


@require_POST
@translated
def factor_remove(request: HttpRequest, factor_id: int) -> HttpResponse:
    """Takes an app or a passkey away."""
    key = request.session.session_key or ""
    factors.remove_factor(actor=actor_of(request), now=timezone.now(), factor_id=factor_id, key=key)
    if not factors.has_factor(_person(request).pk):
        proving.without_second_factor(request)
    messages.add_message(request, messages.SUCCESS, "It was removed.", extra_tags="ok")
    return see_other("security")


@never_cache
@sensitive_post_parameters()
@sensitive_variables("said")
@require_http_methods(_READ_WRITE)
@translated
def password_change(request: HttpRequest) -> HttpResponse:
    """Sets a new password, and signs the person out everywhere else."""
    actor, user, now = actor_of(request), _person(request), timezone.now()
    proof.must_be_fresh(actor, now=now)
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        said, key = form.cleaned_data, request.session.session_key or ""
        one = tries.Try(user.get_username(), actor.address)
        try:
            tries.begin(one=one, now=now)
            accounts.change_password(
                actor=actor, now=now, user=user, old=said["old_password"], new=said["new_password"], key=key
            )
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        else:
            tries.was_right(one=one)
            update_session_auth_hash(request, user)
            sessions.follow_key(old_key=key, new_key=request.session.session_key or "")
            words = "Your password was changed. You are signed out everywhere else."
            messages.add_message(request, messages.SUCCESS, words, extra_tags="ok")
            return see_other("security")
    return render(request, "reinstall/security/password.html", {"form": form})


@require_POST
@translated
def session_end(request: HttpRequest, session_id: int) -> HttpResponse:
    """Signs the person out in another browser."""
    sessions.end_session(actor=actor_of(request), now=timezone.now(), session_id=session_id)
    return see_other("security")


@require_POST
@translated
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Signs the person out in all other browsers."""
    sessions.end_others(actor=actor_of(request), now=timezone.now(), keep=request.session.session_key or "")
    return see_other("security")


def _added(request: HttpRequest, how: str, codes: tuple[str, ...]) -> HttpResponse:
    proving.proved(request, how, second_factor=True)
    if codes:
        return _codes_page(request, codes)
    words = "Your second factor was added. You are signed out everywhere else."
    messages.add_message(request, messages.SUCCESS, words, extra_tags="ok")
    return see_other("security")


def _codes_page(request: HttpRequest, codes: tuple[str, ...]) -> HttpResponse:
    return render(request, "reinstall/security/codes.html", {"codes": codes, "next": _then(request)})


def _secret(request: HttpRequest) -> str:
    """The secret this person is about to put into their app; kept sealed until they have."""
    place = f"session:totp:{request.user.pk}"
    try:
        return vault.open_text(base64.b64decode(request.session[_SECRET]), place=place).decode()
    except (KeyError, CannotOpen):
        secret = factors.new_secret()
        sealed = vault.seal_text(secret.encode(), place=place)
        request.session[_SECRET] = base64.b64encode(sealed).decode()
        return secret


def _answer(form: PasskeyForm) -> dict[str, object]:
    try:
        said = json.loads(form.cleaned_data["passkey"])
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise RuleBroken(passkeys.WRONG, "passkey", "wrong")
    return said


def _then(request: HttpRequest) -> str:
    """Where the person wanted to go before they were led here; "" where they came by themselves."""
    return next_of(request) if request.POST.get("next") or request.GET.get("next") else ""


def _has_one_elsewhere(request: HttpRequest) -> bool:
    """Whether somebody who is led here has a second factor and only did not use it in this session."""
    led, actor = _then(request), actor_of(request)
    return bool(led) and not actor.second_factor and factors.has_factor(_person(request).pk)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
