"""The headers of requests and answers, for the OpenAPI document."""

from collections.abc import Collection, Sequence

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter


def _asked(name: str, about: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=about)


#: What a request may carry.
ASKED = {
    "Prefer": _asked(
        "Prefer", "respond-async: answered at once with 202; the work goes on in the background."
    ),
    "Idempotency-Key": _asked(
        "Idempotency-Key",
        "1 to 128 printable characters, new for each order. The same key and body give the first answer "
        "again, with Idempotent-Replayed: true. A dry run needs none.",
    ),
    "If-Match": _asked("If-Match", "The ETag of the version you decided on; 412 when there is a newer one."),
    "If-None-Match": _asked("If-None-Match", "The ETag you have; 304 when it is still the one."),
}

_LIMITS = (
    (
        "RateLimit",
        '"read";r=594;t=42',
        "How many more of this kind, and in how many seconds they begin anew.",
    ),
    ("RateLimit-Policy", '"read";q=600;w=60', "The limit: so many in so many seconds."),
)
#: Refusals that are over after a while.
_PASSING = (429, 503)


def told(good: Collection[int], problems: Collection[int], asked: Sequence[str]) -> list[OpenApiParameter]:
    """What answers carry, each header at the answers that have it."""
    counted = sorted({*good, *({429} & set(problems))})
    headers = [_told(name, value, about, counted) for name, value, about in _LIMITS]
    later = sorted(set(_PASSING) & set(problems))
    headers.append(_told("Retry-After", "17", "Seconds after which the same may be sent again.", later))
    if {"If-None-Match", "If-Match"} & set(asked):
        about = "The version of the object, for If-None-Match and If-Match."
        headers.append(_told("ETag", '"5f2b6c0e9d5d4a0f8f8f6a9f0c0b1a2d"', about, sorted(good)))
    if "Idempotency-Key" in asked:
        about = "true where this is the first answer given again."
        headers.append(_told("Idempotent-Replayed", "true", about, [201]))
    if 201 in good:
        headers.append(_told("Location", "/api/v1/…/", "The address of what was made.", [201]))
    return headers


def _told(name: str, value: str, about: str, statuses: Sequence[int]) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description=about,
        examples=[OpenApiExample("example", value=value)],
        response=list(statuses),
    )
