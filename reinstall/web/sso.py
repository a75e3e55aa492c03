"""Signing in by the identity provider, and proving anew there who one is."""

from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from reinstall.domain.errors import RuleBroken
from reinstall.domain.signon import SignOn
from reinstall.services import factors, oidc, signon
from reinstall.web import proving
from reinstall.web.second_step import next_of

_ASKED = "sso"
WAIT = timedelta(minutes=10)
NOT_ASKED = "This answer is not for a question of this browser, or it came too late. Begin again."
SOMEBODY_ELSE = "That was somebody else's account. You are still signed in; nothing was done."


@login_not_required
@never_cache
@require_GET
def sso(request: HttpRequest) -> HttpResponse:
    """Sends the browser to the identity provider."""
    sign_on, again = _sign_on(), request.user.is_authenticated
    try:
        address, question = oidc.ask(sign_on=sign_on, callback=_callback(request), again=again)
    except RuleBroken as broken:
        return _refused(request, str(broken))
    until = (timezone.now() + WAIT).isoformat()
    request.session[_ASKED] = {**asdict(question), "next": next_of(request), "until": until}
    return HttpResponseRedirect(address)


@login_not_required
@never_cache
@require_GET
def sso_callback(request: HttpRequest) -> HttpResponse:
    """Signs in, or proves anew, whom the identity provider names."""
    sign_on, asked = _sign_on(), request.session.pop(_ASKED, None)
    now = timezone.now()
    if asked is None or now > datetime.fromisoformat(asked.pop("until")):
        return _refused(request, NOT_ASKED)
    then, question = asked.pop("next"), oidc.Question(**asked)
    if not constant_time_compare(request.GET.get("state", ""), question.state):
        return _refused(request, NOT_ASKED)
    try:
        claims = oidc.answer(
            sign_on=sign_on,
            callback=_callback(request),
            question=question,
            code=request.GET.get("code", ""),
            now=now,
        )
        user = signon.person_of(now=now, sign_on=sign_on, claims=claims)
    except RuleBroken as broken:
        return _refused(request, str(broken))
    if request.user.is_authenticated:
        if not question.again or request.user.pk != user.pk:
            return _refused(request, SOMEBODY_ELSE)
        proving.proved(request, "sso", second_factor=claims.strong)
    elif factors.has_factor(user.pk) and not claims.strong:
        proving.wait_for_second(request, user, ("sso",), then)
        return redirect("sign-in-code")
    else:
        proving.sign_in(request, user, ("sso",), second_factor=claims.strong)
    return HttpResponseRedirect(then)


def _sign_on() -> SignOn:
    found: SignOn | None = settings.SIGN_ON
    if found is None:
        raise Http404
    return found


def _callback(request: HttpRequest) -> str:
    path = reverse("sso-callback")
    return f"{settings.BASE_URL}{path}" if settings.BASE_URL else request.build_absolute_uri(path)


def _refused(request: HttpRequest, reason: str) -> HttpResponse:
    return render(request, "reinstall/signing/sso_refused.html", {"reason": reason}, status=403)
