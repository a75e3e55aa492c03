"""A first-boot script shown to a person, on a page of its own that no cache keeps."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from reinstall.domain.errors import Conflict, RuleBroken
from reinstall.domain.textdiff import diff
from reinstall.selectors.jobs import get_job
from reinstall.selectors.presets import preset_with_versions
from reinstall.services.reveals import reveal_preset_script, reveal_script
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated


@require_POST
@translated
def job_script(request: HttpRequest, job_id: int) -> HttpResponse:
    """The script of a job, or its page with what speaks against it."""
    actor, now = actor_of(request), timezone.now()
    try:
        script = reveal_script(actor=actor, now=now, job_id=job_id)
    except (Conflict, RuleBroken) as refused:
        messages.add_message(request, messages.WARNING, str(refused), extra_tags="attn")
        return see_other("job", job_id)
    job = get_job(actor, job_id)
    scope.show(request, job.project_slug)
    return shown(request, "reinstall/reveals/job.html", {"job": job, "script": script, "at": now})


@require_POST
@translated
def preset_script(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The script of a version and what it changed, or the version's page with what speaks against it."""
    actor, now = actor_of(request), timezone.now()
    try:
        script = reveal_preset_script(actor=actor, now=now, slug=slug, number=number, compared=True)
    except (Conflict, RuleBroken) as refused:
        messages.add_message(request, messages.WARNING, str(refused), extra_tags="attn")
        return see_other("preset-version", slug, number)
    preset = preset_with_versions(actor, slug)
    scope.show(request, preset.project_slug)
    context = {
        "preset": preset,
        "version": preset.version(number),
        "script": script,
        "at": now,
        "diff": diff(script.before, script.raw) if script.before not in (b"", script.raw) else None,
    }
    return shown(request, "reinstall/reveals/preset.html", context)


def shown(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    """A page with a script on it."""
    answer = render(request, template, context)
    answer["Cache-Control"] = "no-store"
    return answer
