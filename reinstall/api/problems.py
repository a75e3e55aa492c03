"""Every error of the REST interface as a problem document (RFC 9457), whoever raised it."""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from reinstall.api.throttle import headers_of
from reinstall.domain.errors import (
    Conflict,
    FieldError,
    NeedsProof,
    NeedsSecondFactor,
    NotAllowed,
    NotFound,
    NotRecorded,
    RuleBroken,
    TooMany,
)
from reinstall.models.outages import is_away

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
BUSY = (
    "The portal's database is locked, full or out of reach. Nothing was sent to the cloud by this request. "
    "Send it again a little later, with the same Idempotency-Key where it has one."
)
UNRECORDED = (
    "This portal does nothing it cannot record: what you asked for was not done, and nothing was sent to the "
    "cloud. Tell its operator the request_id."
)
#: A body that was judged and refused is 400; these codes have a status of their own.
_STATUS_OF_CODE = {
    "key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "credentials_failed": HTTPStatus.UNPROCESSABLE_ENTITY,
}
#: Seconds after which the first request with the same key is surely over.
_RETRY_AFTER = {"in_progress": "2"}


class Stale(exceptions.APIException):
    """If-Match names another version than the one that is there."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = "This has changed since you read it. Read it again, then decide."
    default_code = "stale"


class Unconditional(exceptions.APIException):
    """A change that must name the version it was decided on, and does not."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_detail = "Send If-Match with the ETag of the version you decided on."
    default_code = "precondition_required"


class TooLarge(exceptions.APIException):
    """The body is longer than this interface reads."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: `kind` makes the type, `errors` name fields, `headers` and `extra` are added."""

    status: int
    kind: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """The answer to anything that was raised while a request was answered."""
    request: Request = context["request"]
    set_rollback()
    problem = _problem_of(exc)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("REST request failed", exc_info=exc)
        got_request_exception.send(sender=None, request=request._request)
    return answer(problem, request)


def answer(problem: Problem, request: Request) -> Response:
    """`problem` as a response."""
    document = {
        "type": f"urn:ecsportal:problem:{problem.kind.replace('_', '-')}",
        "title": HTTPStatus(problem.status).phrase,
        "status": int(problem.status),
        "detail": problem.detail,
        "request_id": request.META.get("ecsportal.request_id", ""),
        "errors": [
            {"field": error.field, "code": error.code, "message": error.message} for error in problem.errors
        ],
    }
    return Response(
        document | problem.extra,
        status=int(problem.status),
        headers=problem.headers,
        content_type=MEDIA_TYPE,
    )


def _problem_of(exc: Exception) -> Problem:
    match exc:
        case RuleBroken():
            return _rule_broken(exc)
        case Conflict():
            return _conflict(exc)
        case NotAllowed():
            return Problem(HTTPStatus.FORBIDDEN, _refusal(exc), str(exc))
        case NotFound():
            return Problem(HTTPStatus.NOT_FOUND, "not_found", str(exc))
        case exceptions.APIException():
            return _of_framework(exc)
        case Http404():
            return Problem(HTTPStatus.NOT_FOUND, "not_found", "There is nothing at this address.")
        case PermissionDenied():
            return Problem(HTTPStatus.FORBIDDEN, "not_allowed", str(exc) or "This is not yours to do.")
    return _of_the_portal(exc)


def _refusal(exc: NotAllowed) -> str:
    """What would help: nothing, or a proof of who is at the browser."""
    if isinstance(exc, NeedsSecondFactor):
        return "needs_second_factor"
    return "needs_proof" if isinstance(exc, NeedsProof) else "not_allowed"


def _of_the_portal(exc: Exception) -> Problem:
    """What the caller cannot help: a database that is away, a full log, or a mistake of ours."""
    if isinstance(exc, NotRecorded):
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_recorded", f"{exc} {UNRECORDED}")
    if is_away(exc):
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", BUSY, headers={"Retry-After": "10"})
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Something went wrong in this portal. Tell its operator the request_id; the log has the cause.",
    )


def _rule_broken(exc: RuleBroken) -> Problem:
    first = exc.errors[0]
    if isinstance(exc, TooMany):
        headers = {"Retry-After": str(exc.standing.reset_s)} | headers_of(exc.standing)
        return Problem(HTTPStatus.TOO_MANY_REQUESTS, first.code, first.message, headers=headers)
    status = _STATUS_OF_CODE.get(first.code, HTTPStatus.BAD_REQUEST)
    return Problem(status, "rule_broken", first.message, exc.errors)


def _conflict(exc: Conflict) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        exc.code,
        str(exc),
        (FieldError(exc.field, str(exc), exc.code),) if exc.field else (),
        {"Retry-After": _RETRY_AFTER[exc.code]} if exc.code in _RETRY_AFTER else {},
        {"job": exc.job} if exc.job is not None else {},
    )


def _of_framework(exc: exceptions.APIException) -> Problem:
    headers = {}
    if header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    detail = exc.detail if isinstance(exc.detail, str) else exc.default_detail
    return Problem(exc.status_code, exc.default_code, str(detail), headers=headers)
