"""The list of servers while it stays open: which rows are other now, as fragments of the same page."""

import uuid
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.models import Project
from reinstall.selectors.projects import nav_counts
from reinstall.selectors.selections import selected_ids
from reinstall.selectors.server_changes import Changes, Shown, server_changes, version_of
from reinstall.selectors.servers import ServerFilters, ServerRow, count_servers
from reinstall.web import scope, selections
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.server_filters import FILTERS, filters_of
from reinstall.web.server_lists import COLUMNS

COUNT_CAP = 10_000


def count_context(
    actor: Actor, filters: ServerFilters, project: Project | None, projects: tuple[Project, ...]
) -> dict[str, object]:
    """The line above the list: how many servers, of what, and how old that is."""
    count = min(count_servers(actor, filters), COUNT_CAP)
    return {"count": count, "cap": COUNT_CAP, "project": project, "projects": projects}


def live_context(
    request: HttpRequest, filters: ServerFilters, columns: tuple[str, ...], *, select: bool
) -> dict[str, str]:
    """The address that tells what has become of this page of the list. All the page rests on is said in it: a
    choice made in another tab is none here."""
    said = [(name, getattr(filters, name)) for name in (*FILTERS, "ordering")]
    said += [("cursor", request.GET.get("cursor", "")), ("select", "1" if select else "")]
    query = [("project", filters.project), *((name, text) for name, text in said if text)]
    query += [("col", name) for name in columns]
    return {"live": f"{reverse('server-changes')}?{urlencode(query)}"}


def version_context(
    rows: tuple[ServerRow, ...],
    columns: tuple[str, ...],
    project: Project | None,
    projects: tuple[Project, ...],
) -> dict[str, str]:
    """The version of the page as it is sent."""
    return {"version": version_of(rows, _read_at(project, projects), seen="seen" in columns)}


@require_GET
@translated
def changes(request: HttpRequest) -> HttpResponse:
    """What of a page of the list is other than in its version; 304 where nothing is. Chooses no project."""
    actor = actor_of(request)
    projects = scope.projects_of(request, actor)
    project = _project(request, projects)
    filters = filters_of(request.GET, project.slug if project else "")
    columns = tuple(name for name, _ in COLUMNS if name in request.GET.getlist("col"))
    shown = Shown(_ids(request), _read_at(project, projects), seen="seen" in columns)
    known = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
    found = server_changes(actor, filters, shown, cursor=request.GET.get("cursor", ""), known=known)
    if found.version == known:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        parts = _parts(request, found)
        if found.read:
            counted = count_context(actor, filters, project, projects)
            parts["list-count"] = render_to_string("reinstall/servers/_count.html", counted)
        if found.rows:
            # A job that began or ended is one of the reasons for a row to be another.
            counts = {"counts": nav_counts(actor, project)}
            parts["nav-jobs"] = render_to_string("components/nav_jobs.html", counts)
        rows = _rows(request, actor, found, columns, project)
        answer = JsonResponse({"rows": rows, "html": parts, "moved": found.moved})
    answer["ETag"] = f'"{found.version}"'
    answer["Cache-Control"] = "private, no-cache"
    return answer


def _rows(
    request: HttpRequest, actor: Actor, found: Changes, columns: tuple[str, ...], project: Project | None
) -> dict[str, str]:
    """Server -> its row, with the columns the page has."""
    select = "select" in request.GET and project is not None
    ids: frozenset[str] = frozenset()
    if select and project is not None and found.rows:
        ids = selected_ids(actor, project, selections.kept(request, project.slug))
    context = {"show_project": project is None, "optional": columns, "may_select": select, "ids": ids}
    return {
        str(row.id): render_to_string("reinstall/servers/_row.html", {**context, "row": row})
        for row in found.rows
    }


def _parts(request: HttpRequest, found: Changes) -> dict[str, str]:
    """The line that leads to the list as it is now."""
    query = request.GET.copy()
    for name in ("ids", "select", "col"):
        query.pop(name, None)
    context = {"moved": found.moved, "query": query.urlencode()}
    return {"list-changed": render_to_string("reinstall/servers/_changed.html", context)}


def _project(request: HttpRequest, projects: tuple[Project, ...]) -> Project | None:
    slug = request.GET.get("project", "")
    found = next((project for project in projects if project.slug == slug), None)
    if slug and found is None:
        raise NotFound(f"There is no project {slug}.")
    return found


def _ids(request: HttpRequest) -> tuple[uuid.UUID, ...]:
    try:
        return tuple(uuid.UUID(text) for text in request.GET.get("ids", "").split(".") if text)
    except ValueError:
        raise RuleBroken(
            "ids are those of the servers shown, with points between.", "ids", "format"
        ) from None


def _read_at(project: Project | None, projects: tuple[Project, ...]) -> datetime | None:
    """When any of what is listed was last read from the cloud."""
    of = projects if project is None else (project,)
    return max((one.synced_at for one in of if one.synced_at is not None), default=None)
