"""Reading the inventory by button: asked for, and how far it is."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from reinstall.selectors.projects import get_project
from reinstall.selectors.syncs import latest_sync
from reinstall.services.syncruns import request_sync
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated


@require_POST
@translated
def sync(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks for a reading; a worker makes it, and the list of servers says how far it is."""
    actor = actor_of(request)
    request_sync(actor=actor, now=timezone.now(), project=get_project(actor, slug))
    return redirect(f"/servers/?{urlencode({'project': slug})}")


@require_GET
@translated
def progress(request: HttpRequest, slug: str) -> HttpResponse:
    """How far the newest reading is, as a fragment for the page. `open`: whether it goes on."""
    actor = actor_of(request)
    run = latest_sync(actor, get_project(actor, slug))
    html = render_to_string("reinstall/servers/_sync.html", {"run": run, "slug": slug})
    return JsonResponse({"html": html, "open": run is not None and run.open})
