"""The OpenAPI document: every operation with every answer it can give, each with an example."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from reinstall.api.approval_shapes import APPROVAL
from reinstall.api.authentication import BrowserSession, TokenAuthentication
from reinstall.api.bodies import Body
from reinstall.api.csvfile import csv_text
from reinstall.api.evidence_examples import EVIDENCE
from reinstall.api.examples import EXAMPLES
from reinstall.api.headers import ASKED, told
from reinstall.api.lists import ListKind, common_filters
from reinstall.api.preset_examples import PRESET
from reinstall.api.problems import MEDIA_TYPE
from reinstall.api.project_examples import PROJECT
from reinstall.api.shapes import Shape
from reinstall.api.system_shapes import SYSTEM

_EXAMPLES = APPROVAL | EXAMPLES | EVIDENCE | PRESET | PROJECT | SYSTEM
Decorator = Callable[[Any], Any]
#: Any operation can end so.
_ALWAYS = (401, 403, 429, 500, 503)
_TYPES = {
    "text": OpenApiTypes.STR,
    "format": OpenApiTypes.STR,
    "number": OpenApiTypes.INT,
    "limit": OpenApiTypes.INT,
    "moment": OpenApiTypes.DATETIME,
    "uuid": OpenApiTypes.UUID,
}


class _ErrorShape(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The name in body, query or header; empty for the whole.")
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemShape(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField(help_text="urn:ecsportal:problem:…, the same for each kind of problem.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField(help_text="Stands in the portal's log and audit history as well.")
    errors = _ErrorShape(many=True)  # type: ignore[assignment]
    job = serializers.IntegerField(required=False, help_text="The job that holds a server, where one does.")


#: Status -> kind, detail, and field, code of an error where the problem is about one.
_PROBLEMS: dict[int, tuple[str, str, str, str]] = {
    400: ("rule-broken", "Choose the key pair that signs in after the reinstall.", "keyname", "required"),
    401: ("not-authenticated", "Authentication credentials were not provided.", "", ""),
    403: ("not-allowed", 'This token does not have the scope "request", which POST needs.', "", ""),
    404: ("not-found", "There is no job #2210.", "", ""),
    409: ("held", "web-prod-11 is held by job #2210 of alice, which is running.", "servers", "held"),
    412: ("stale", "This has changed since you read it. Read it again, then decide.", "", ""),
    413: ("too-large", "The body is larger than 1,048,576 bytes.", "", ""),
    415: ("unsupported-media-type", 'Unsupported media type "text/plain" in request.', "", ""),
    422: (
        "rule-broken",
        "This Idempotency-Key was used with another body. Send a new key.",
        "Idempotency-Key",
        "key_reused",
    ),
    428: ("precondition-required", "Send If-Match with the ETag of the version you decided on.", "", ""),
    503: (
        "busy",
        "The portal's database is locked, full or out of reach: send it again later. Or (not-recorded) the "
        "audit entry could not be written, and nothing was done.",
        "",
        "",
    ),
    429: (
        "too-many-requests",
        "This is more than 600 a minute, the limit for reading here. Go on in 17 seconds.",
        "",
        "",
    ),
    500: ("internal", "Something went wrong in this portal. Tell its operator the request_id.", "", ""),
}


def _problem(status: int) -> OpenApiResponse:
    kind, detail, place, code = _PROBLEMS[status]
    title = HTTPStatus(status).phrase
    document: dict[str, Any] = {
        "type": f"urn:ecsportal:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": "5f2b6c0e9d5d4a0f8f8f6a9f0c0b1a2d",
        "errors": [{"field": place, "code": code, "message": detail}] if place else [],
    }
    example = OpenApiExample(kind, value=document, media_type=MEDIA_TYPE, status_codes=[str(status)])
    return OpenApiResponse(ProblemShape, description=title, examples=[example])


@cache
def _page_shape(shape: Shape) -> Shape:
    name = f"{shape.__name__.removesuffix('Shape')}PageShape"
    fields = {
        "next": serializers.URLField(allow_null=True, help_text="The next page; null on the last one."),
        "previous": serializers.URLField(
            allow_null=True, help_text="The page before; null on the first one."
        ),
        "results": shape(many=True),
        "__doc__": "One page of a list.",
    }
    return type(name, (serializers.Serializer,), fields)


def _good(shape: Shape | None, status: int, value: Any = None) -> OpenApiResponse:
    value = _EXAMPLES[shape.__name__] if shape is not None and value is None else value
    examples = [OpenApiExample("example", value=value, status_codes=[str(status)])] if shape else []
    return OpenApiResponse(shape, description=HTTPStatus(status).phrase, examples=examples)


def _answers(good: dict[Any, OpenApiResponse], problems: Sequence[int]) -> dict[Any, OpenApiResponse]:
    return good | {(status, MEDIA_TYPE): _problem(status) for status in sorted({*problems, *_ALWAYS})}


def describes_list(kind: ListKind, operation: str, summary: str) -> Decorator:
    """Documents a list: its parameters, a page, a CSV file, and what can be wrong with the parameters."""
    filters = [*kind.filters, *common_filters(kind)]
    parameters = [
        OpenApiParameter(
            item.name,
            _TYPES[item.kind],
            description=item.about,
            enum=item.choices or (_ordering_names(kind) if item.name == "ordering" else None),
        )
        for item in filters
    ]
    example = {"next": None, "previous": None, "results": [_EXAMPLES[kind.shape.__name__]]}
    file = csv_text(kind.shape, [_EXAMPLES[kind.shape.__name__]])
    csv_file = OpenApiResponse(
        OpenApiTypes.STR,
        description="The same rows as a file (?format=csv).",
        examples=[OpenApiExample("file", value=file, media_type="text/csv", status_codes=["200"])],
    )
    good = {
        (200, "application/json"): _good(_page_shape(kind.shape), 200, example),
        (200, "text/csv"): csv_file,
    }
    return extend_schema(
        operation_id=operation,
        summary=summary,
        parameters=[*parameters, *told({200}, {400, *_ALWAYS}, ())],
        responses=_answers(good, (400,)),
        filters=False,
    )


def _ordering_names(kind: ListKind) -> tuple[str, ...]:
    return tuple(name for column in kind.orderings for name in (column, f"-{column}"))


#: How a body may be refused where there is to be one, or none.
BODY_PROBLEMS = (400, 413, 415)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details:
    """What an operation reads and how it may end, beside its good answer."""

    good: int | None = 200
    body: type[Body] | None = None
    problems: Sequence[int] = ()
    headers: Sequence[str] = ()
    also: Mapping[Any, OpenApiResponse] = field(default_factory=dict)


def describes(operation: str, summary: str, shape: Shape | None, **details: Any) -> Decorator:
    """Documents one operation. Its details are those of _Details."""
    given = _Details(**details)
    body = given.body
    problems = (*given.problems, *(BODY_PROBLEMS if body is not None else ()))
    good = {} if given.good is None else {given.good: _good(shape, given.good)}
    unchanged = _NOT_MODIFIED if "If-None-Match" in given.headers else {}
    answers = {**good, **unchanged, **given.also}
    return extend_schema(
        operation_id=operation,
        summary=summary,
        request=body,
        parameters=[
            *(ASKED[name] for name in given.headers),
            *told(_statuses(answers), _ALWAYS, given.headers),
        ],
        responses=_answers(answers, problems),
        examples=[OpenApiExample("body", _EXAMPLES[body.__name__], request_only=True)] if body else [],
    )


def _statuses(answers: Mapping[Any, OpenApiResponse]) -> set[int]:
    """Of good answers; a key is a status, or a status with its media type."""
    return {key[0] if isinstance(key, tuple) else key for key in answers}


_NOT_MODIFIED: Mapping[Any, OpenApiResponse] = {
    304: OpenApiResponse(description="The version named by If-None-Match is still the one.")
}


class _TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        about = "A token of settings/tokens/, with the scopes read and request."
        return {"type": "http", "scheme": "bearer", "description": about}


class _SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BrowserSession
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        about = "The browser's session; changes need the header X-CSRFToken as well."
        return {"type": "apiKey", "in": "cookie", "name": "ecsportal-session", "description": about}
