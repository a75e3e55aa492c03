"""The pages about REST: what is the same everywhere, and each resource with its operations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reinstall.domain.throttles import Kind, Limit
from reinstall.models import Environment, Project
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.api_document import Answer, Field, Operation, problems, resource, resources
from reinstall.web.errors import translated

_WHAT = {
    Kind.READ: "Reading, for each token or browser",
    Kind.WRITE: "Changes, for each token or browser",
    Kind.EXPORT: "CSV files, for each token or browser",
    Kind.ORDER: "Orders, for each person",
    Kind.PROJECT: "Orders, for each project",
    Kind.REVEAL: "Scripts shown on pages, for each person",
}
_PERIODS = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}


@dataclass(frozen=True, slots=True)
class _ShownAnswer:
    """An answer, or the name of the operation further up that gives the same."""

    of: Answer
    same_as: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """An operation with its call for a shell."""

    of: Operation
    curl: str
    answers: tuple[_ShownAnswer, ...]
    #: Simulated projects it may be tried on.
    tries: tuple[Project, ...]


@require_GET
@translated
def overview(request: HttpRequest) -> HttpResponse:
    """Signing in, orders, lists, versions, limits and errors; the list of all operations."""
    context = {
        "resources": resources(),
        "problems": problems(),
        "limits": [(_WHAT[kind], _said(limit)) for kind, limit in settings.THROTTLES.items()],
        "base": _base(request),
    }
    return render(request, "reinstall/docs/overview.html", context)


@require_GET
@translated
def resource_docs(request: HttpRequest, slug: str) -> HttpResponse:
    """The operations of one resource."""
    shown = resource(slug)
    projects = scope.projects_of(request, actor_of(request))
    simulated = tuple(one for one in projects if one.environment == Environment.SIMULATOR)
    base = _base(request)
    context = {
        "resource": shown,
        "resources": resources(),
        "operations": [
            _Shown(found, found.curl(base), answers, simulated if found.filters_by_project else ())
            for found, answers in zip(shown.operations, _answers(shown.operations), strict=True)
        ],
    }
    return render(request, "reinstall/docs/resource.html", context)


def _answers(operations: Sequence[Operation]) -> Iterator[tuple[_ShownAnswer, ...]]:
    """The answers of each operation; one that was shown before is not shown again."""
    first: dict[tuple[Field, ...], str] = {}
    for operation in operations:
        shown = []
        for answer in operation.answers:
            name = first.setdefault(answer.fields, operation.name) if answer.fields else operation.name
            shown.append(_ShownAnswer(answer, "" if name == operation.name else name))
        yield tuple(shown)


def _base(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")


def _said(limit: Limit | None) -> str:
    return "not limited" if limit is None else f"{limit.count:,} {_PERIODS[limit.period_s]}"
