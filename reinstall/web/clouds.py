"""Clouds and their projects: listed, added, changed, given new credentials."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reinstall.domain.errors import Conflict, NotAllowed, RuleBroken
from reinstall.models import Project
from reinstall.selectors.clouds import ProjectCard, last_change, project_card, project_cards
from reinstall.selectors.people import may_see_people
from reinstall.services.clouds import add_project, must_add
from reinstall.services.profiles import facts_of, fields_of, known_clouds
from reinstall.services.projects import STALE, CredentialsFailed, change_project, rotate_credentials
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.cloud_forms import ENVIRONMENTS, KINDS, ChangeForm, CloudForm, CredentialsForm
from reinstall.web.errors import translated
from reinstall.web.paging import links

_READ_WRITE = ["GET", "HEAD", "POST"]
SIGNED_ANEW = (
    "You signed in anew since this form was opened. Nothing was saved. Look it over and save it again."
)


@require_GET
@translated
def cloud_list(request: HttpRequest) -> HttpResponse:
    """Projects, grouped by the cloud they are in."""
    actor = actor_of(request)
    page = project_cards(actor, cursor=request.GET.get("cursor", ""))
    groups = [
        {"cloud": facts_of(cards[0].cloud), "cards": cards}
        for _, found in groupby(page.items, lambda card: card.cloud.pk)
        for cards in [list(found)]
    ]
    context = {"groups": groups, "may_add": actor.sees_all, **links(request, page.previous, page.next)}
    return render(request, "reinstall/clouds/list.html", context)


@sensitive_post_parameters()
@require_http_methods(_READ_WRITE)
@translated
def cloud_new(request: HttpRequest) -> HttpResponse:
    """The form that adds a cloud and a project; as typed again, but for secrets, when something is wrong."""
    actor = actor_of(request)
    must_add(actor)
    form = CloudForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        form.is_valid()
        try:
            project = add_project(actor=actor, now=timezone.now(), document=form.document())
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        else:
            words = f"{project.name} was added. Test the connection, then read its servers with Sync now."
            messages.add_message(request, messages.SUCCESS, words, extra_tags="ok")
            return see_other("cloud", project.slug)
    return _new_page(request, form)


def _new_page(request: HttpRequest, form: CloudForm) -> HttpResponse:
    context = {
        "form": form,
        "kinds": KINDS,
        "environments": ENVIRONMENTS,
        "environment": form.data.get("environment", ""),
        "known": known_clouds(),
    }
    return _unkept(render(request, "reinstall/clouds/new.html", context))


@sensitive_post_parameters()
@sensitive_variables("form")
@translated
def shown_again(request: HttpRequest, slug: str = "", why: str = SIGNED_ANEW) -> HttpResponse:
    """A form of an earlier sign-in, as it was typed but for secrets. Saves nothing."""
    actor = actor_of(request)
    if not slug:
        must_add(actor)
        return _new_page(request, CloudForm(request.POST).not_done(why))
    card = project_card(actor, slug)
    if "version" in request.POST:
        return _page(request, card, change=ChangeForm(request.POST).not_done(why))
    return _page(request, card, rotation=CredentialsForm(request.POST).not_done(why))


@require_http_methods(_READ_WRITE)
@translated
def cloud_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One project of a cloud; a POST changes its name or environment."""
    actor = actor_of(request)
    card = project_card(actor, slug)
    if request.method != "POST":
        return _page(request, card)
    form = ChangeForm(request.POST)
    if form.is_valid():
        version = form.cleaned_data.get("version") or 0
        try:
            project = change_project(
                actor=actor, now=timezone.now(), slug=slug, version=version, changes=form.changes()
            )
            messages.add_message(request, messages.SUCCESS, f"{project.name} was saved.", extra_tags="ok")
            return see_other("cloud", slug)
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        except Conflict as conflict:
            if conflict.code != STALE:
                raise
            return _stale(request, project_card(actor, slug), form.changes())
    return _page(request, card, change=form)


def _stale(request: HttpRequest, card: ProjectCard, typed: dict[str, str]) -> HttpResponse:
    """What is there now beside what was typed; sent once more, it counts for the present version."""
    project = card.project
    form = ChangeForm(initial={**typed, "version": project.version})
    # A name may be a label in any language of the form; the environment is shown by its word.
    differences = [
        {"label": form.fields[name].label, "now": getattr(project, name), "typed": value}
        for name, value in typed.items()
        if getattr(project, name) != value
    ]
    stale = {"by": last_change(actor_of(request), project.slug), "differences": differences}
    return _page(request, card, change=form, stale=stale, status=409)


@sensitive_post_parameters()
@sensitive_variables("form")
@require_POST
@translated
def cloud_credentials(request: HttpRequest, slug: str) -> HttpResponse:
    """Tries new credentials; they become current when they work, else the page says which step failed."""
    actor = actor_of(request)
    card = project_card(actor, slug)
    form = CredentialsForm(request.POST)
    form.is_valid()
    steps = None
    try:
        rotate_credentials(actor=actor, now=timezone.now(), slug=slug, credentials=form.credentials())
    except CredentialsFailed as failed:
        form.add_error(None, str(failed))
        steps = failed.steps
    except RuleBroken as broken:
        form.add_refusals(broken.errors)
    else:
        words = "The new credentials work and are current."
        messages.add_message(request, messages.SUCCESS, words, extra_tags="ok")
        return see_other("cloud", slug)
    return _page(request, card, rotation=form, steps=steps)


def _page(request: HttpRequest, card: ProjectCard, *, status: int = 200, **more: Any) -> HttpResponse:
    project: Project = card.project
    scope.show(request, project.slug)
    change = more.pop("change", None) or ChangeForm.of(project)
    rotation = more.pop("rotation", None) or CredentialsForm()
    fields = fields_of(card.cloud)
    context = {
        "card": card,
        "project": project,
        "may_see_people": may_see_people(actor_of(request), project),
        "cloud": facts_of(card.cloud),
        "request_fields": fields,
        "field_notes": any(field.note for field in fields),
        "change": change,
        "environments": ENVIRONMENTS,
        "environment": change["environment"].value(),
        "rotation": rotation,
        "kinds": KINDS,
        "wrong": next((form for form in (change, rotation) if form.errors), None),
        **more,
    }
    return _unkept(render(request, "reinstall/clouds/detail.html", context, status=status))


def _unkept(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    return answer


def must_manage(card: ProjectCard) -> None:
    """Raises NotAllowed where the person may see the project but not administer it."""
    if not card.may_manage:
        raise NotAllowed(f"This page needs the role admin in {card.project.name}.")
