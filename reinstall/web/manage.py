"""The health of the installation, and the switches that stop and release all reinstalls."""

from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, RuleBroken
from reinstall.selectors.system import OpenBreaker, system_view
from reinstall.services import guards
from reinstall.web.actors import actor_of, manages
from reinstall.web.answers import see_other
from reinstall.web.errors import translated
from reinstall.web.forms import RefusedForm, Text

FREEZE = "freeze"


class ReasonForm(RefusedForm):
    """Why somebody turns a switch. Several stand on one page: `switch` makes their ids differ."""

    reason = Text(
        required=False,
        label="Reason",
        widget=forms.TextInput({"class": "in", "maxlength": 500, "autocomplete": "off"}),
    )

    def __init__(self, switch: str, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id=f"id_{switch}_%s")
        self.fields["reason"].help_text = "What you looked at, and where. Kept in the audit log."
        self.fields["reason"].widget.attrs["aria-describedby"] = f"id_{switch}_reason-hint"


class FreezeForm(ReasonForm):
    """`on` is 1 or 0, never guessed; `seen` says which freeze was on the page."""

    on = forms.ChoiceField(
        choices=[("1", "Stop"), ("0", "Let go on")],
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Stop them, or let them go on."),
    )
    seen = forms.DateTimeField(required=False)

    def change(self, actor: Actor) -> None:
        """Does what was asked. Raises what the service raises."""
        said, now = self.cleaned_data, timezone.now()
        if said["on"] == "1":
            guards.freeze(actor=actor, now=now, reason=said["reason"])
        else:
            guards.lift_freeze(actor=actor, now=now, reason=said["reason"], seen=said["seen"])


@dataclass(frozen=True, slots=True)
class Switch:
    """An open breaker with the form that closes it."""

    breaker: OpenBreaker
    form: ReasonForm


@require_GET
@translated
def health(request: HttpRequest) -> HttpResponse:
    """What holds work, and whether it gets done: for staff."""
    return _page(request, actor_of(request))


@require_POST
@translated
def freeze(request: HttpRequest) -> HttpResponse:
    """Stops all new reinstalls (`on` is 1), or lets them go on."""
    actor, form = actor_of(request), FreezeForm(FREEZE, request.POST)
    if form.is_valid():
        try:
            form.change(actor)
            return see_other("health")
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        except Conflict as conflict:
            form.add_error(None, str(conflict))
    return _page(request, actor, {FREEZE: form})


@require_POST
@translated
def breaker_close(request: HttpRequest, cloud_id: int) -> HttpResponse:
    """Lets the jobs of a cloud go on."""
    switch = _switch_of(cloud_id)
    actor, form = actor_of(request), ReasonForm(switch, request.POST)
    form.is_valid()
    said = form.cleaned_data.get("reason", "")
    try:
        guards.close_breaker(actor=actor, now=timezone.now(), cloud_id=cloud_id, reason=said)
    except RuleBroken as broken:
        form.add_refusals(broken.errors)
        return _page(request, actor, {switch: form})
    return see_other("health")


@translated
def freeze_shown_again(request: HttpRequest, why: str) -> HttpResponse:
    """The switch as it was typed. Turns nothing."""
    return _page(request, actor_of(request), {FREEZE: FreezeForm(FREEZE, request.POST).not_done(why)})


@translated
def breaker_shown_again(request: HttpRequest, cloud_id: int, why: str) -> HttpResponse:
    """The reason as it was typed. Closes nothing."""
    switch = _switch_of(cloud_id)
    return _page(request, actor_of(request), {switch: ReasonForm(switch, request.POST).not_done(why)})


def _switch_of(cloud_id: int) -> str:
    return f"breaker-{cloud_id}"


def _page(request: HttpRequest, actor: Actor, wrong: dict[str, ReasonForm] | None = None) -> HttpResponse:
    if not manages(request):
        raise NotAllowed("This page is for staff. A superuser makes somebody staff, in the admin.")
    wrong, system = wrong or {}, system_view(actor, timezone.now())
    form = wrong.get(FREEZE) or FreezeForm(FREEZE)
    read_by = "Kept in the audit log." if system.freeze else "Shown to everybody on every page."
    # On the bound field: a form with an error has made it already, and it does not look at the field again.
    form["reason"].help_text = read_by
    context = {
        "system": system,
        "freeze_form": form,
        "switches": [
            Switch(breaker, wrong.get(name) or ReasonForm(name))
            for breaker in system.breakers
            for name in [_switch_of(breaker.cloud_id)]
        ],
        "wrong": next(iter(wrong.values()), None),
        "may_rule": actor.sees_all,
    }
    return render(request, "reinstall/manage/health.html", context)
