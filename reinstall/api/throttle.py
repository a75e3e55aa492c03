"""How often a caller may ask: counted once they are known, told in headers of every answer.

Headers: Retry-After (RFC 9110), RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers).
"""

from typing import Any

from django.utils import timezone
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reinstall.api.authentication import actor_of
from reinstall.domain.throttles import Kind, Standing
from reinstall.services import throttles

_STANDING = "ecsportal.standing"


class Throttled(APIView):
    """A view whose requests are counted by what they are: reading, a change, or a file."""

    def check_throttles(self, request: Request) -> None:
        """Raises TooMany."""
        request.META[_STANDING] = throttles.spend(
            principal=actor_of(request).principal, kind=_kind_of(request), now=timezone.now()
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """The answer, with how its caller stands; a refusal has told that itself."""
        final = super().finalize_response(request, response, *args, **kwargs)
        standing = request.META.get(_STANDING)
        for name, value in headers_of(standing).items() if standing else ():
            final.headers.setdefault(name, value)
        return final


def headers_of(standing: Standing) -> dict[str, str]:
    """What a program reads to slow down by itself."""
    kind, limit = standing.kind, standing.limit
    return {
        "RateLimit-Policy": f'"{kind}";q={limit.count};w={limit.period_s}',
        "RateLimit": f'"{kind}";r={standing.left};t={standing.reset_s}',
    }


def _kind_of(request: Request) -> Kind:
    if request.method not in SAFE_METHODS:
        return Kind.WRITE
    return Kind.EXPORT if request.query_params.get("format") == "csv" else Kind.READ
