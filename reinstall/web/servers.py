"""The list of servers and the page of one."""

import uuid
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from reinstall.domain.actors import Actor
from reinstall.domain.looks import LOOKS
from reinstall.models import Project
from reinstall.selectors.projects import may_request
from reinstall.selectors.server_rows import STATES
from reinstall.selectors.servers import ServerFilters, count_servers, get_server, server_page
from reinstall.selectors.syncs import SyncView, latest_sync
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.paging import links

COUNT_CAP = 10_000
#: What a reading found stays on the page for so long.
TOLD_FOR = timedelta(minutes=2)
ORDERINGS = (
    ("name", "Name"),
    ("-name", "Name, Z first"),
    ("status", "State"),
    ("image", "Image"),
    ("flavor", "Flavor"),
)
STATE_WORDS = (("", "Any state"), *((state, LOOKS["server"][state].word) for state in STATES))


@require_GET
@translated
def server_list(request: HttpRequest) -> HttpResponse:
    """Servers of the chosen project, or of all."""
    actor = actor_of(request)
    if "project" in request.GET:
        scope.choose(request, request.GET["project"])
    project = scope.current_project(request, scope.projects_of(request, actor))
    filters = _filters(request, project.slug if project else "")
    page = server_page(actor, filters, cursor=request.GET.get("cursor", ""))
    context = {
        "filters": filters,
        "filtered": bool(filters.q or filters.status or filters.tag or filters.image),
        "clear": request.path,
        "page": page,
        "count": min(count_servers(actor, filters), COUNT_CAP),
        "cap": COUNT_CAP,
        "states": STATE_WORDS,
        "orderings": ORDERINGS,
        "show_project": project is None,
        "may_sync": project is not None and may_request(actor, project),
        "run": _run_to_tell_of(actor, project),
        **links(request, page.previous, page.next),
    }
    return render(request, "reinstall/servers/list.html", context)


def _run_to_tell_of(actor: Actor, project: Project | None) -> SyncView | None:
    """The newest reading while it goes on, and for some minutes after its end."""
    run = latest_sync(actor, project.slug) if project is not None else None
    ended = run.ended_at if run is not None else None
    return run if ended is None or timezone.now() - ended < TOLD_FOR else None


def _filters(request: HttpRequest, slug: str) -> ServerFilters:
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "status", "tag", "image")}
    return ServerFilters(project=slug, ordering=request.GET.get("ordering") or "name", **asked)


@require_GET
@translated
def server_detail(request: HttpRequest, server_id: uuid.UUID) -> HttpResponse:
    """One server: what a reinstall would do to it, what was done before."""
    server = get_server(actor_of(request), server_id)
    scope.show(request, server.row.project_slug)
    return render(request, "reinstall/servers/detail.html", {"server": server, "row": server.row})
