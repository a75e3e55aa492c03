"""The audit log for people: filtered, newest first; one entry with both sides; the integrity of the whole."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from reinstall.selectors.audit import audit_page, changes_of, get_entry, neighbours
from reinstall.selectors.integrity import integrity
from reinstall.services.verification import verify_for
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.audit_filters import SOURCES, asked_of
from reinstall.web.errors import translated
from reinstall.web.paging import links


@require_GET
@translated
def audit_list(request: HttpRequest) -> HttpResponse:
    """Entries of the chosen project, or of all the person may see."""
    actor = actor_of(request)
    projects = scope.projects_of(request, actor)
    project = scope.current_project(request, projects)
    asked = asked_of(request.GET, project.slug if project else "")
    page = audit_page(actor, asked.filters, cursor=request.GET.get("cursor", ""))
    context = {
        "asked": asked,
        "page": page,
        "sources": SOURCES,
        "projects": projects,
        "integrity": integrity(),
        **links(request, page.previous, page.next),
    }
    return render(request, "reinstall/audit/list.html", context)


@require_GET
@translated
def audit_entry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One entry, its place in the chain, and the way to the entries of the same object around it."""
    actor = actor_of(request)
    entry = get_entry(actor, entry_id)
    earlier, later = neighbours(actor, entry)
    context = {"entry": entry, "changes": changes_of(entry), "earlier": earlier, "later": later}
    return render(request, "reinstall/audit/entry.html", context)


@require_http_methods(["GET", "POST"])
@translated
def audit_verify(request: HttpRequest) -> HttpResponse:
    """GET: what the latest verification found. POST: verifies now."""
    actor = actor_of(request)
    if request.method == "POST":
        verify_for(actor=actor, now=timezone.now())
        return see_other("audit-verify")
    context = {"integrity": integrity(), "may_verify": actor.sees_all}
    return render(request, "reinstall/audit/verify.html", context)
