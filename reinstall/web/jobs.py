"""Jobs: the list, the page of one, calling one off, its raw exchange."""

import dataclasses

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotFound
from reinstall.selectors import jobs
from reinstall.selectors.evidence import EvidenceView
from reinstall.selectors.jobs import JobFilters, JobView, exchanges, get_job
from reinstall.selectors.orders import OrderView, order_head
from reinstall.selectors.projects import may_be_shown_scripts
from reinstall.services.jobs import cancel_job
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.job_report import report_text
from reinstall.web.job_update import job_context
from reinstall.web.paging import links
from reinstall.web.second_form import SecondForm
from reinstall.web.settle_form import SettleForm

TABS = (("running", "Running"), ("attention", "Needs a look"), ("finished", "Finished"), ("all", "All"))
EMPTY = {
    "running": ("Nothing is running", "A job appears here as soon as somebody asks for a reinstall."),
    "attention": ("Nothing needs a look", "Jobs whose outcome is unclear, or that failed, stand here."),
    "finished": ("No job has finished yet", "Finished jobs stay here for good."),
    "all": ("No jobs yet", "Pick a server and reinstall it; its job appears here."),
}


@require_GET
@translated
def job_list(request: HttpRequest) -> HttpResponse:
    """Jobs of the chosen project, or of all."""
    actor = actor_of(request)
    order = _order(request, actor)
    project = scope.current_project(request, scope.projects_of(request, actor))
    tab = request.GET.get("tab") or "all"
    filters = JobFilters(
        q=request.GET.get("q", "").strip(),
        tab=tab,
        project=project.slug if project else "",
        order=order.id if order else None,
    )
    page = jobs.job_page(actor, filters, cursor=request.GET.get("cursor", ""))
    title, text = EMPTY.get(tab, EMPTY["all"])
    context = {
        "filters": filters,
        "order": order,
        "tabs": TABS,
        "page": page,
        "empty_title": "No jobs match" if filters.q else title,
        "empty_text": "The search looks through numbers, servers, people and reasons." if filters.q else text,
        **links(request, page.previous, page.next),
    }
    return render(request, "reinstall/jobs/list.html", context)


def _order(request: HttpRequest, actor: Actor) -> OrderView | None:
    """The order the list is narrowed to, whose project the page is about then."""
    asked = request.GET.get("order", "")
    if not asked:
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 18):
        raise NotFound("An order has a number, like 12.")
    order = order_head(actor, int(asked))
    scope.show(request, order.project_slug)
    return order


@require_GET
@translated
def job_detail(request: HttpRequest, job_id: int) -> HttpResponse:
    """One job, complete as it stands; a script keeps it up to date."""
    actor = actor_of(request)
    job = get_job(actor, job_id)
    scope.show(request, job.project_slug)
    return job_page(request, actor, job)


def job_page(
    request: HttpRequest, actor: Actor, job: JobView, answered: SettleForm | SecondForm | None = None
) -> HttpResponse:
    """The page of a job. Where its outcome waits for a person, or a second one, a form of that; `answered` is
    the one that was sent and is shown again."""
    form = answered if isinstance(answered, SettleForm) else SettleForm()
    second = answered if isinstance(answered, SecondForm) else SecondForm()
    context = job_context(actor, job, timezone.now())
    evidence = context["evidence"]
    choices = form.choices_for(evidence) if isinstance(evidence, EvidenceView) else ()
    context |= {"tone": job.tone, "form": form, "choices": choices, "second": second}
    context["shows_script"] = job.asked.script_kept and may_be_shown_scripts(actor, job.project_slug)
    return render(request, "reinstall/jobs/detail.html", context)


@require_POST
@translated
def job_cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """Calls the job off, or says why it is too late."""
    try:
        cancel_job(actor=actor_of(request), now=timezone.now(), job_id=job_id)
    except Conflict as late:
        messages.add_message(request, messages.WARNING, str(late), extra_tags="attn")
    return redirect("job", job_id)


@require_GET
@translated
def job_report(request: HttpRequest, job_id: int) -> HttpResponse:
    """The job as plain text."""
    text = report_text(get_job(actor_of(request), job_id))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_GET
@translated
def job_exchange(request: HttpRequest, job_id: int) -> HttpResponse:
    """Every call made for the job, masked, as a file."""
    calls = [dataclasses.asdict(call) for call in exchanges(actor_of(request), job_id)]
    response = JsonResponse({"job": job_id, "exchange": calls}, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="job-{job_id}-exchange.json"'
    return response
