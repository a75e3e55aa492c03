"""Single objects with their version: ETag, If-None-Match and If-Match (RFC 9110, section 13)."""

import hashlib
import re
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.problems import Stale, Unconditional
from reinstall.api.shapes import Shape, shaper

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def answer_one(
    request: Request, shape: Shape, record: object, *, version: str = "", status: int = 200, **headers: str
) -> Response:
    """`record` with its ETag; 304 without a body when the caller has this version already.

    version: what the ETag is made of; the whole body where none is given.
    """
    body = shaper(shape)(record)
    etag = etag_of(version or JSONRenderer().render(body))
    given = {name.replace("_", "-"): value for name, value in headers.items()} | {"ETag": etag}
    if status == 200 and request.method in ("GET", "HEAD") and names_version(request, "If-None-Match", etag):
        return Response(status=304, headers=given)
    return Response(body, status=status, headers=given)


def etag_of(version: str | bytes) -> str:
    """A strong entity tag for a version."""
    raw = version.encode() if isinstance(version, str) else version
    return f'"{hashlib.sha256(raw).hexdigest()[:32]}"'


def must_match(request: Request, version: str) -> None:
    """Raises Stale when the caller sent If-Match and it names another version than this one."""
    if "If-Match" in request.headers and not names_version(request, "If-Match", etag_of(version)):
        raise Stale


def must_name(request: Request, version: str) -> None:
    """As `must_match`, for changes nobody may make unseen: raises Unconditional without an If-Match."""
    if "If-Match" not in request.headers:
        raise Unconditional
    must_match(request, version)


def names_version(request: Request, header: str, etag: str) -> bool:
    """Whether `header` of the request names the version with this ETag, or any."""
    given: Any = request.headers.get(header, "")
    return given.strip() == "*" or etag in _TAG.findall(given)
