"""The audit log for people: filtered, newest first."""

from datetime import UTC, datetime, time, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from reinstall.domain.errors import RuleBroken
from reinstall.selectors.audit import AuditFilters, audit_page
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.paging import links

SOURCES = (
    ("", "Any source"),
    ("browser", "Browser"),
    ("token", "API token"),
    ("command", "Command"),
    ("system", "Engine"),
)
EXACT = ("actor", "action", "object_type", "object_id")


@require_GET
@translated
def audit_list(request: HttpRequest) -> HttpResponse:
    """Entries of the chosen project, or of all the person may see."""
    actor = actor_of(request)
    project = scope.current_project(request, scope.projects_of(request, actor))
    exact = {name: request.GET.get(name, "").strip() for name in EXACT}
    filters = AuditFilters(
        **exact,
        q=request.GET.get("q", "").strip(),
        source=request.GET.get("source", ""),
        project=project.slug if project else "",
        since=_start_of(request.GET.get("since", ""), "since"),
        until=_start_of(request.GET.get("until", ""), "until", days=1),
    )
    page = audit_page(actor, filters, cursor=request.GET.get("cursor", ""))
    context = {
        "filters": filters,
        "page": page,
        "sources": SOURCES,
        "since": request.GET.get("since", ""),
        "until": request.GET.get("until", ""),
        "hidden": [(name, value) for name, value in exact.items() if value],
        "filtered": bool(
            filters.q or filters.source or filters.since or filters.until or any(exact.values())
        ),
        **links(request, page.previous, page.next),
    }
    return render(request, "reinstall/audit/list.html", context)


def _start_of(text: str, field: str, days: int = 0) -> datetime | None:
    """Midnight of a day in the shown zone, `days` later. Raises RuleBroken for what is no date."""
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise RuleBroken(f"{field} is a date like 2026-10-14.", field, "format")
    zone = timezone.get_current_timezone()
    return datetime.combine(day + timedelta(days=days), time.min, tzinfo=zone).astimezone(UTC)
