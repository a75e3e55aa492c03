"""Refusals as pages. They need no database, no session and no context: they work when nothing else does."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string

from reinstall.domain.errors import (
    Conflict,
    NeedsProof,
    NeedsSecondFactor,
    NotAllowed,
    NotFound,
    NotRecorded,
    RuleBroken,
)
from reinstall.models.outages import is_away
from reinstall.web import kept
from reinstall.web.answers import see_other

P = ParamSpec("P")


class Missing(Http404):
    """A 404 whose message is ours and may be shown."""


def translated(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """What services and selectors refuse, as the page that says so."""

    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Missing(str(error)) from error
        except (NeedsSecondFactor, NeedsProof) as error:
            return _unproved(request, error)
        except NotAllowed as error:
            return _page(request, "403.html", 403, str(error))
        except RuleBroken as error:
            return _page(request, "400.html", 400, str(error))
        except Conflict as error:
            return _page(request, "409.html", 409, str(error))

    return door


def _unproved(request: HttpRequest, error: NeedsSecondFactor | NeedsProof) -> HttpResponse:
    """Leads to the proof that is missing, and from there back to the form as it was typed. Does nothing."""
    match, then, waits = request.resolver_match, request.get_full_path(), False
    if request.method == "POST":
        if match is not None and match.url_name in kept.COME_BACK:
            kept.keep_form(request)
            waits = True
        else:
            then = urlsplit(request.headers.get("Referer", "")).path or "/"
    query = urlencode({"next": then}, safe="/")
    if isinstance(error, NeedsProof):
        return see_other("sign-in-again", query=query)
    context = {"reason": str(error), "query": query, "kept": waits}
    return HttpResponse(render_to_string("reinstall/second_factor_first.html", context), status=403)


def _page(request: HttpRequest, template: str, status: int, reason: str = "") -> HttpResponse:
    context = {"reason": reason, "request_id": request.META.get("ecsportal.request_id", "")}
    return HttpResponse(render_to_string(template, context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _page(request, "413.html", 413)
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "403.html", 403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "404.html", 404, str(exception) if isinstance(exception, Missing) else "")


def server_error(request: HttpRequest) -> HttpResponse:
    # Django calls this while it handles the exception.
    if isinstance(sys.exception(), NotRecorded):
        return _page(request, "not_recorded.html", 503, str(sys.exception()))
    if is_away(sys.exception()):
        busy = _page(request, "503.html", 503)
        busy["Retry-After"] = "10"
        return busy
    return _page(request, "500.html", 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, "403_csrf.html", 403)
