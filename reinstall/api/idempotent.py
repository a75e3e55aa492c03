"""Once-only requests: the same Idempotency-Key gets the same answer, and the act happens once."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.domain.errors import RuleBroken
from reinstall.domain.spec import canonical_json
from reinstall.services import idempotency

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
#: What a replay repeats beside the body.
_KEPT = ("Location", "ETag")
_SALT = "reinstall.api.idempotent"
_NAMESPACE = uuid.UUID("6f0f6f4e-6c0c-4b53-9d39-3d0c2f1f6a55")


def key_of(request: Request) -> str:
    """The key of this request. Raises RuleBroken when it is missing or not one."""
    key: str = request.headers.get(HEADER, "")
    if not _KEY.fullmatch(key):
        raise RuleBroken(
            f"Send the header {HEADER} with 1 to 128 printable characters, new for each order, like a UUID.",
            HEADER,
            "required" if not key else "format",
        )
    return key


def submission_id_of(request: Request) -> uuid.UUID:
    """The same for the same caller and key, so that even a lost answer cannot place an order twice."""
    return uuid.uuid5(_NAMESPACE, f"{actor_of(request).principal}\n{key_of(request)}")


def _fingerprint(request: Request) -> str:
    """What tells bodies apart: keyed where there is a password, else that could be guessed from it."""
    asked = canonical_json([request.path, request.data])
    if b"adminpass" in asked:
        return salted_hmac(_SALT, asked, algorithm="sha256").hexdigest()
    return hashlib.sha256(asked).hexdigest()


def once(request: Request, act: Callable[[], Response]) -> Response:
    """The answer of `act`, or the first answer given to this key. What raises gives the key back."""
    principal, key = actor_of(request).principal, key_of(request)
    fingerprint = _fingerprint(request)
    earlier = idempotency.begin(principal=principal, key=key, fingerprint=fingerprint, now=timezone.now())
    if earlier is not None:
        return _again(earlier)
    try:
        response = act()
    except BaseException:
        idempotency.abandon(principal=principal, key=key)
        raise
    headers = {name: response[name] for name in _KEPT if name in response}
    kept = {"body": _plain(response.data), "headers": headers}
    idempotency.finish(principal=principal, key=key, status=response.status_code, answer=kept)
    return response


def _again(earlier: idempotency.Replay) -> Response:
    headers = earlier.answer["headers"] | {"Idempotent-Replayed": "true"}
    return Response(earlier.answer["body"], status=earlier.status, headers=headers)


def _plain(data: object) -> Any:
    return json.loads(JSONRenderer().render(data))
