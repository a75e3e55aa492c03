"""Choosing servers in the list: a form that works without JavaScript, and the bar that counts them."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.models import Project
from reinstall.selectors.projects import get_project, may_request
from reinstall.selectors.selections import matching, selection_bar
from reinstall.services import selections
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated
from reinstall.web.server_filters import filters_of

#: Project -> the id of this session's selection there.
_KEPT = "selections"


def bar_context(request: HttpRequest, actor: Actor, project: Project | None) -> dict[str, object]:
    """What the list needs to offer a choice; a selection holds servers of one project, the chosen one."""
    if project is None or not may_request(actor, project):
        return {"may_select": False}
    return {
        "may_select": True,
        "bar": selection_bar(actor, project, kept(request, project.slug)),
        "back": request.GET.urlencode(),
    }


def kept(request: HttpRequest, slug: str) -> uuid.UUID | None:
    """This session's selection in the project."""
    text = request.session.get(_KEPT, {}).get(slug)
    return uuid.UUID(text) if text else None


def _keep(request: HttpRequest, slug: str, selection: uuid.UUID | None) -> None:
    known = {name: text for name, text in request.session.get(_KEPT, {}).items() if name != slug}
    request.session[_KEPT] = known | ({slug: str(selection)} if selection else {})


@require_POST
@translated
def select(request: HttpRequest) -> HttpResponse:
    """Takes over the ticks of a page, takes all that match, or clears; leads back to the same page."""
    actor = actor_of(request)
    project = get_project(actor, request.POST.get("project", ""))
    scripted = request.headers.get("Accept") == "application/json"
    try:
        _change(request, actor, project)
    except RuleBroken as broken:
        if scripted:
            return JsonResponse({"problem": str(broken)}, status=422)
        messages.add_message(request, messages.WARNING, str(broken), extra_tags="attn")
    if scripted:
        bar = selection_bar(actor, project, kept(request, project.slug))
        return JsonResponse(
            {"html": {"selection-words": render_to_string("reinstall/servers/_selected.html", {"bar": bar})}}
        )
    return see_other("servers", query=_back(request).urlencode())


def _change(request: HttpRequest, actor: Actor, project: Project) -> None:
    before = kept(request, project.slug)
    action = request.POST.get("action", "")
    now = timezone.now()
    if action == "clear":
        if before is not None:
            selections.clear(actor=actor, selection=before)
        return _keep(request, project.slug, None)
    if action == "all":
        filters = filters_of(_back(request), project.slug)
        ids, left_out = matching(actor, filters, selections.MOST)
        made = selections.take_all(
            actor=actor,
            now=now,
            project=project.slug,
            selection=before,
            ids=ids,
            left_out=left_out,
            query=_back(request).urlencode(),
        )
    else:
        made = selections.tick(
            actor=actor,
            now=now,
            project=project.slug,
            selection=before,
            shown=request.POST.get("shown", "").split(),
            ticked=request.POST.getlist("server"),
        )
    return _keep(request, project.slug, made.pk)


def _back(request: HttpRequest) -> QueryDict:
    """The query string of the page the form was on: only ever one of the server list."""
    return QueryDict(request.POST.get("back", "")[:2000])
