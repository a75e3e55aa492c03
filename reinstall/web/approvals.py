"""The inbox of the second person: orders that wait, each looked over with the checks of this moment."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from reinstall.domain.approvals import ApprovalDecision
from reinstall.domain.errors import Conflict, FieldError, RuleBroken
from reinstall.selectors import approvals
from reinstall.selectors.approvals import ApprovalView
from reinstall.selectors.jobs import first_job_of
from reinstall.selectors.projects import may_be_shown_scripts
from reinstall.services.approval_review import Review, review_approval
from reinstall.services.approving import decide_approval
from reinstall.services.summed_checks import summed
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated
from reinstall.web.forms import RefusedForm
from reinstall.web.paging import links

#: Servers a page lists by name; the rest is a number.
LISTED = 200
DONE = {
    ApprovalDecision.APPROVE: "Approved. It is checked once more, then sent to the cloud, once.",
    ApprovalDecision.DECLINE: "Declined. Nothing was sent.",
    ApprovalDecision.WITHDRAW: "Withdrawn. Nothing was sent.",
}


class DecisionForm(RefusedForm):
    """A decision about exactly what was shown."""

    decision = forms.ChoiceField(
        choices=[(one.value, one.value) for one in ApprovalDecision],
        error_messages={"required": "Choose what to do.", "invalid_choice": "Choose what to do."},
    )
    request_hash = forms.CharField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(
        required=False,
        label="Reason",
        help_text="Needed to decline or to override. Kept in the audit log with your name.",
        widget=forms.TextInput(
            {"class": "in", "aria-describedby": "id_reason-hint", "maxlength": 500, "autocomplete": "off"}
        ),
    )


@require_GET
@translated
def approval_list(request: HttpRequest) -> HttpResponse:
    """What waits, the oldest first; what was decided under a tab of its own."""
    actor = actor_of(request)
    project = scope.current_project(request, scope.projects_of(request, actor))
    state = request.GET.get("tab") or approvals.OPEN
    page = approvals.approval_page(
        actor,
        project=project.slug if project else "",
        state=state,
        cursor=request.GET.get("cursor", ""),
    )
    context = {
        "page": page,
        "tab": state,
        "tabs": approvals.STATES.items(),
        **links(request, page.previous, page.next),
    }
    return render(request, "reinstall/approvals/list.html", context)


@require_GET
@translated
def approval_detail(request: HttpRequest, approval_id: int) -> HttpResponse:
    """One of them, as the requester saw it, with the checks run now."""
    return _page(request, approval_id, DecisionForm())


@require_POST
@translated
def approval_decide(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Approves, declines, withdraws or overrides, or shows the page again with what is wrong."""
    form = DecisionForm(request.POST)
    if not form.is_valid() or not _taken(request, approval_id, form):
        form.mark_wrong_fields()
        return _page(request, approval_id, form)
    said = DONE.get(ApprovalDecision(form.cleaned_data["decision"]))
    if said:
        messages.add_message(request, messages.SUCCESS, said, extra_tags="ok")
    return see_other("approval", approval_id)


@translated
def shown_again(request: HttpRequest, approval_id: int, why: str) -> HttpResponse:
    """The decision as it was typed. Decides nothing."""
    return _page(request, approval_id, DecisionForm(request.POST).not_done(why))


def _taken(request: HttpRequest, approval_id: int, form: DecisionForm) -> bool:
    """Whether the decision was taken; what speaks against it is on the form then."""
    try:
        decide_approval(
            actor=actor_of(request), now=timezone.now(), approval_id=approval_id, **form.cleaned_data
        )
    except RuleBroken as broken:
        form.add_refusals(broken.errors)
    except Conflict as conflict:
        form.add_refusals((FieldError("", str(conflict), conflict.code),))
    else:
        return True
    return False


def _page(request: HttpRequest, approval_id: int, form: DecisionForm) -> HttpResponse:
    actor = actor_of(request)
    review = review_approval(actor=actor, now=timezone.now(), approval_id=approval_id)
    view = approvals.get_approval(actor, approval_id)
    scope.show(request, view.project_slug)
    last, changed = approvals.differs_from_last(view)
    job = first_job_of(actor, view.order_id)
    context = {
        "approval": view,
        "review": review,
        "form": form,
        "last": last,
        "changed": changed,
        "job": job,
        "shows_script": job.asked.script_kept and may_be_shown_scripts(actor, view.project_slug),
        **_servers(view, review),
    }
    return render(request, "reinstall/approvals/detail.html", context)


def _servers(view: ApprovalView, review: Review) -> dict[str, object]:
    """One server with its disks, or the list of many, and the checks in the form that fits."""
    preview = review.preview
    systems = [facts.system_disk for facts in review.servers]
    return {
        "preview": preview,
        "only": review.servers[0] if len(review.servers) == 1 else None,
        "listed": review.servers[:LISTED],
        "unlisted": max(0, len(review.servers) - LISTED),
        "system_gb": sum(disk.size_gb or 0 for disk in systems if disk is not None),
        "data_disks": sum(len(facts.disks) - (facts.system_disk is not None) for facts in review.servers),
        "summed": summed(preview) if len(review.servers) != 1 and preview.by_server else None,
    }
