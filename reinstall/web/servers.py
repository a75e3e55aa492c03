"""The list of servers and the page of one; reading the inventory anew."""

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from reinstall.domain.looks import LOOKS
from reinstall.selectors.projects import get_project, may_request
from reinstall.selectors.server_rows import STATES
from reinstall.selectors.servers import count_servers, get_server, server_page
from reinstall.services.inventory import SyncReport, sync_project
from reinstall.web import scope, selections
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.paging import links
from reinstall.web.server_filters import filters_of

COUNT_CAP = 10_000
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
    filters = filters_of(request.GET, project.slug if project else "")
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
        **links(request, page.previous, page.next),
        **selections.bar_context(request, actor, project),
    }
    return render(request, "reinstall/servers/list.html", context)


@require_GET
@translated
def server_detail(request: HttpRequest, server_id: uuid.UUID) -> HttpResponse:
    """One server: what a reinstall would do to it, what was done before."""
    server = get_server(actor_of(request), server_id)
    scope.show(request, server.row.project_slug)
    return render(request, "reinstall/servers/detail.html", {"server": server, "row": server.row})


@require_POST
@translated
def sync(request: HttpRequest, slug: str) -> HttpResponse:
    """Reads the project's inventory from the cloud now."""
    actor = actor_of(request)
    report = sync_project(actor=actor, now=timezone.now(), project=get_project(actor, slug))
    if report.problems:
        messages.add_message(request, messages.WARNING, " ".join(report.problems), extra_tags="attn")
    else:
        messages.add_message(request, messages.SUCCESS, _found(report), extra_tags="ok")
    return redirect(f"/servers/?{urlencode({'project': slug})}")


def _found(report: SyncReport) -> str:
    return (
        f"Read from the cloud: {report.servers} servers, {report.added} new, {report.changed} changed, "
        f"{report.gone} gone; {report.key_pairs} key pairs, {report.kms_keys} KMS keys."
    )
