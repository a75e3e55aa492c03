"""The list of servers and the page of one."""

import uuid
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from reinstall.domain.actors import Actor
from reinstall.models import Project
from reinstall.selectors.projects import may_request
from reinstall.selectors.server_about import history_of, kms_aliases, rules_of, similar_servers
from reinstall.selectors.servers import get_server, server_page
from reinstall.selectors.syncs import SyncView, latest_sync
from reinstall.web import scope, selections, server_changes
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.paging import links
from reinstall.web.server_lists import asked_columns, asked_filters, is_filtered, look_of_list

#: What a reading found stays on the page for so long.
TOLD_FOR = timedelta(minutes=2)


@require_GET
@translated
def server_list(request: HttpRequest) -> HttpResponse:
    """Servers of the chosen project, or of all."""
    actor = actor_of(request)
    filters, shown = asked_filters(request), asked_columns(request)
    projects = scope.projects_of(request, actor)
    project = scope.current_project(request, projects)
    page = server_page(actor, filters, cursor=request.GET.get("cursor", ""))
    may = project is not None and may_request(actor, project)
    context = {
        "filters": filters,
        "filtered": is_filtered(filters),
        "clear": request.path,
        "page": page,
        "show_project": project is None,
        "may_sync": may,
        "run": _run_to_tell_of(actor, project),
        **look_of_list(request, filters, shown),
        **server_changes.count_context(actor, filters, project, projects),
        **server_changes.live_context(request, filters, shown.columns, select=may),
        **server_changes.version_context(page.items, shown.columns, project, projects),
        **links(request, page.previous, page.next),
        **selections.bar_context(request, actor, project if may else None),
    }
    return render(request, "reinstall/servers/list.html", context)


def _run_to_tell_of(actor: Actor, project: Project | None) -> SyncView | None:
    """The newest reading while it goes on, and for some minutes after its end."""
    run = latest_sync(actor, project.slug) if project is not None else None
    ended = run.ended_at if run is not None else None
    return run if ended is None or timezone.now() - ended < TOLD_FOR else None


@require_GET
@translated
def server_detail(request: HttpRequest, server_id: uuid.UUID) -> HttpResponse:
    """One server: what a reinstall would do to it, what was done before."""
    actor = actor_of(request)
    server = get_server(actor, server_id)
    scope.show(request, server.row.project_slug)
    aliases = kms_aliases(server)
    history = history_of(server, cursor=request.GET.get("cursor", ""))
    context = {
        "server": server,
        "row": server.row,
        "history": history.items,
        "rules": rules_of(actor, server),
        "similar": similar_servers(server),
        "disks": [(disk, aliases.get(disk.cmkid, "")) for disk in server.disks],
        **links(request, history.previous, history.next),
    }
    return render(request, "reinstall/servers/detail.html", context)
