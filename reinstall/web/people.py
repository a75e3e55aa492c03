"""The people of a project: who has which role there; admins give and take roles."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from reinstall.domain.errors import FieldError, RuleBroken
from reinstall.domain.roles import ABOUT
from reinstall.models import Membership
from reinstall.selectors.people import people_of
from reinstall.services.people import give_role, take_role
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated
from reinstall.web.forms import TEXT, RefusedForm, Text
from reinstall.web.paging import links

ROLES = [(role.value, role.label, ABOUT[role.value]) for role in Membership.Role]


class RoleForm(RefusedForm):
    """A role for somebody."""

    user = Text(
        required=False,
        label="User name",
        help_text="The name they sign in with.",
        widget=forms.TextInput({**TEXT, "aria-describedby": "id_user-hint", "maxlength": 150}),
    )
    role = Text(required=False, label="Role")


@require_http_methods(["GET", "HEAD", "POST"])
@translated
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """The members; a POST gives somebody a role, or says beside the field what is wrong."""
    if request.method != "POST":
        return _page(request, slug, RoleForm())
    form = RoleForm(request.POST)
    form.is_valid()
    try:
        member = give_role(actor=actor_of(request), now=timezone.now(), slug=slug, **form.cleaned_data)
    except RuleBroken as broken:
        form.add_refusals(broken.errors)
        return _page(request, slug, form)
    return _done(request, slug, f"{member.user} is {member.role} in {member.project.name}.")


@require_POST
@translated
def people_end(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes somebody's role away."""
    form = RoleForm(request.POST)
    form.is_valid()
    name = form.cleaned_data["user"]
    try:
        take_role(actor=actor_of(request), now=timezone.now(), slug=slug, user=name)
    except RuleBroken as broken:
        # It was said in a row of the table, which has no field to stand beside.
        again = RoleForm({})
        again.add_refusals(tuple(FieldError("", error.message, error.code) for error in broken.errors))
        return _page(request, slug, again)
    return _done(request, slug, f"{name} has no role here any more.")


def _done(request: HttpRequest, slug: str, words: str) -> HttpResponse:
    messages.add_message(request, messages.SUCCESS, words, extra_tags="ok")
    # Who changed their own role may not be let in here again.
    own = request.POST.get("user", "").strip() == request.user.get_username()
    return see_other("clouds") if own else see_other("people", slug)


def _page(request: HttpRequest, slug: str, form: RoleForm) -> HttpResponse:
    found = people_of(actor_of(request), slug, cursor=request.GET.get("cursor", ""))
    scope.show(request, slug)
    sign_on: Any = settings.SIGN_ON
    context = {
        "people": found,
        "project": found.project,
        "form": form,
        "roles": ROLES,
        "role": form["role"].value(),
        "by_groups": sign_on.name if sign_on and slug in sign_on.projects else "",
        **links(request, found.page.previous, found.page.next),
    }
    return render(request, "reinstall/clouds/people.html", context)
