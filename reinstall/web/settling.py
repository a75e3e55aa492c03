"""Settling an unclear job by hand."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from reinstall.domain.errors import Conflict, RuleBroken
from reinstall.domain.states import UNCLEAR
from reinstall.selectors.jobs import get_job
from reinstall.services.confirming import decide_proposal
from reinstall.services.settle import settle_job
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated
from reinstall.web.forms import RefusedForm
from reinstall.web.jobs import job_page
from reinstall.web.second_form import SecondForm
from reinstall.web.settle_form import SettleForm


@require_http_methods(["GET", "HEAD", "POST"])
@translated
def job_settle(request: HttpRequest, job_id: int) -> HttpResponse:
    """POST settles the job, or shows its page again with what is wrong. The form stands on that page."""
    if request.method != "POST":
        return redirect(f"{reverse('job', args=[job_id])}#job-settle")
    return _answered(request, job_id, SettleForm(request.POST), settle_job)


@require_POST
@translated
def job_second(request: HttpRequest, job_id: int) -> HttpResponse:
    """Confirms, rejects or withdraws what was proposed, or shows the page again with what is wrong."""
    return _answered(request, job_id, SecondForm(request.POST), decide_proposal)


@translated
def shown_again(request: HttpRequest, job_id: int, why: str) -> HttpResponse:
    """The answer as it was typed. Settles nothing."""
    return _shown(request, job_id, SettleForm(request.POST).not_done(why))


@translated
def second_shown_again(request: HttpRequest, job_id: int, why: str) -> HttpResponse:
    """The second person's answer as it was typed. Settles nothing."""
    return _shown(request, job_id, SecondForm(request.POST).not_done(why))


def _answered(
    request: HttpRequest, job_id: int, form: SettleForm | SecondForm, service: Callable[..., object]
) -> HttpResponse:
    actor = actor_of(request)
    scope.show(request, get_job(actor, job_id).project_slug)
    if form.is_valid() and _taken(form, service, actor=actor, job_id=job_id):
        return see_other("job", job_id)
    return _shown(request, job_id, form)


def _shown(request: HttpRequest, job_id: int, form: SettleForm | SecondForm) -> HttpResponse:
    actor = actor_of(request)
    job = get_job(actor, job_id)
    scope.show(request, job.project_slug)
    if job.state not in UNCLEAR:
        return _too_late(request, job_id)
    form.mark_wrong_fields()
    return job_page(request, actor, job, form)


def _too_late(request: HttpRequest, job_id: int) -> HttpResponse:
    """Somebody was faster, or the cloud told: there is nothing left to correct on the form."""
    said = f"The outcome of job #{job_id} is not in doubt any more. Your answer was not used."
    messages.add_message(request, messages.WARNING, said, extra_tags="attn")
    return redirect("job", job_id)


def _taken(form: RefusedForm, service: Callable[..., object], **who: Any) -> bool:
    """Whether the answer was taken; what speaks against it is on the form then."""
    try:
        service(now=timezone.now(), **who, **form.cleaned_data)
    except RuleBroken as broken:
        form.add_refusals(broken.errors)
    except Conflict as conflict:
        form.add_error(None, str(conflict))
    else:
        return True
    return False
