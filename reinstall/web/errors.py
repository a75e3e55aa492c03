"""Refusals as pages, and below /api/ as problem documents.

They need no session, no context and, but for the names of admins, no database: all the rest may be down.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
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
from reinstall.selectors.givers import Givers, givers_of
from reinstall.web import kept
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other

P = ParamSpec("P")

#: No page or list of ours has a longer address; servers and proxies give up soon after.
MAX_ADDRESS = 8192
_REST, _PAGES = "/api/", "/api/docs/"
#: What a program is told where no view of the REST interface was reached.
_PROBLEMS = {
    400: ("bad-request", "The request could not be read."),
    403: ("not-allowed", "This is not yours to do."),
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take this method."),
    409: ("conflict", "Somebody else was first."),
    413: ("too-large", "The body is too large."),
    414: ("too-long", f"The address is longer than {MAX_ADDRESS:,} characters."),
    500: ("internal", "Something went wrong in this portal. Tell its operator the request_id."),
    503: ("busy", "The portal's database is locked, full or out of reach. Send it again a little later."),
}


class Missing(Http404):
    """A 404 whose message is ours and may be shown."""


class ErrorPageMiddleware:
    """A page where Django has none: an address that is too long, a method an address does not take."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path()) > MAX_ADDRESS:
            return _page(request, "414.html", 414)
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or response.content:
            return response
        page = _page(request, "405.html", 405)
        page["Allow"] = response["Allow"]
        return page


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
            return forbidden(request, error)
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
    context = {"reason": str(error), "query": query, "kept": waits, "request": request}
    return HttpResponse(render_to_string("reinstall/second_factor_first.html", context), status=403)


def _page(
    request: HttpRequest, template: str, status: int, reason: str = "", givers: Givers | None = None
) -> HttpResponse:
    request_id = request.META.get("ecsportal.request_id", "")
    if request.path_info.startswith(_REST) and not request.path_info.startswith(_PAGES):
        return _problem(status, reason, request_id)
    # Not as the request of the template: that would bring what every page shows, and with it the database.
    context = {"reason": reason, "request_id": request_id, "request": request, "givers": givers}
    return HttpResponse(render_to_string(template, context), status=status)


def _problem(status: int, reason: str, request_id: str) -> HttpResponse:
    kind, words = _PROBLEMS[status]
    document = {
        "type": f"urn:ecsportal:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": reason or words,
        "request_id": request_id,
        "errors": [],
    }
    return JsonResponse(document, status=status, content_type="application/problem+json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _page(request, "413.html", 413)
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Says which right is missing, and who gives it where the person may see the project."""
    return _page(request, "403.html", 403, str(exception), _givers(request))


def _givers(request: HttpRequest) -> Givers | None:
    if request.resolver_match is None or not hasattr(request, "user"):
        return None
    with suppress(DatabaseError):
        return givers_of(actor_of(request), request.resolver_match.kwargs)
    return None


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
