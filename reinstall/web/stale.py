"""A form whose page belongs to an earlier sign-in: nothing is done, and nothing that was typed is lost."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from reinstall.web import clouds, errors, many, reinstalls

#: Forms in which much is typed, by the name of their address.
_FORMS: dict[str, Callable[..., HttpResponse]] = {
    "reinstall": reinstalls.shown_again,
    "reinstall-many": many.shown_again,
    "cloud-new": clouds.shown_again,
    "cloud": clouds.shown_again,
    "cloud-credentials": clouds.shown_again,
}


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
