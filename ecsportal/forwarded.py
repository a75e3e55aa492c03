"""Behind a proxy every request comes from the proxy; the address of the person is in X-Forwarded-For."""

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ForwardedForMiddleware:
    """Where ECSPORTAL_TRUST_PROXY is set, REMOTE_ADDR becomes the last address of X-Forwarded-For.

    The last one, because that is what our own proxy saw; those before it are what the visitor claims.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.TRUST_PROXY:
            last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            # Not there, or not an address: the proxy's own stays.
            with suppress(ValueError):
                request.META["REMOTE_ADDR"] = str(ip_address(last))
        return self.get_response(request)
