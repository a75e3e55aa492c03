"""A form whose page belongs to an earlier sign-in: nothing is done, and nothing that was typed is lost.

So it is with one that was sent before its person had proved who they are, once they have.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from reinstall.web import approvals, clouds, errors, kept, manage, many, presets, reinstalls, settling, tokens

PROVED = "Who you are was asked first. Nothing was done yet. Look it over and send it again."

#: Forms in which much is typed, by the name of their address.
_FORMS: dict[str, Callable[..., HttpResponse]] = {
    "reinstall": reinstalls.shown_again,
    "reinstall-many": many.shown_again,
    "cloud-new": clouds.shown_again,
    "cloud": clouds.shown_again,
    "cloud-credentials": clouds.shown_again,
}
#: Forms that may ask for a proof of who sends them.
SHOWN_AGAIN: dict[str, Callable[..., HttpResponse]] = {
    **_FORMS,
    "approval-decide": approvals.shown_again,
    "job-settle": settling.shown_again,
    "job-second": settling.second_shown_again,
    "tokens": tokens.shown_again,
    "preset-new": presets.shown_again,
    "preset-change": presets.shown_again,
    "freeze": manage.freeze_shown_again,
    "breaker-close": manage.breaker_shown_again,
}


class KeptForms:
    """Shows a form that was kept when its person comes back to its address; sent again, it is let go."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        again = SHOWN_AGAIN.get(match.url_name or "") if match is not None else None
        if again is None or not request.user.is_authenticated or not kept.waits(request):
            return None
        if request.method == "POST":
            kept.let_go(request)
        typed = kept.kept_form(request) if request.method == "GET" else None
        if typed is None:
            return None
        request.POST = typed  # type: ignore[assignment]
        return again(request, **kwargs, why=PROVED)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form again, as typed, when it came from a page of ours; else the page that says why.

    Only from our own pages: a form that another site filled in is never put before a person as theirs.
    """
    match = request.resolver_match
    own = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    again = _FORMS.get(match.url_name or "") if match is not None else None
    if own and request.user.is_authenticated and match is not None and again is not None:
        return again(request, **match.kwargs)
    return errors.csrf_failure(request, reason)
