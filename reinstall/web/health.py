"""Probes for machines: they say little, to anybody."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from reinstall.selectors.health import readiness


@login_not_required
@require_GET
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """200 when work gets done, 503 with the reasons when it does not."""
    found = readiness(timezone.now())
    answer = {
        "status": "ok" if found.ready else "not ready",
        "problems": found.problems,
        "oldest_due_s": found.oldest_due_s,
        "audit": found.audit,
    }
    return JsonResponse(answer, status=200 if found.ready else 503)
