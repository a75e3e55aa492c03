"""Presets: listed, read with their versions, made, changed by adding a version."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, RuleBroken
from reinstall.domain.presets import read_reference
from reinstall.domain.textdiff import diff
from reinstall.domain.userdata import reading
from reinstall.models import PresetVersion
from reinstall.selectors import presets
from reinstall.selectors.projects import get_project, may_be_shown_scripts, may_request
from reinstall.services.preset_use import InUse
from reinstall.services.presets import STALE, add_version, create_preset, open_settings
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated
from reinstall.web.paging import links
from reinstall.web.preset_forms import PresetForm, first_values
from reinstall.web.preset_scripts import EDIT, is_editable, put_in, was_put_in
from reinstall.web.reinstall_choices import setting_choices, sources_of
from reinstall.web.script_panel import script_panel

_READ_WRITE = ["GET", "HEAD", "POST"]


@require_GET
@translated
def preset_list(request: HttpRequest) -> HttpResponse:
    """Presets that can be chosen; those retired under a tab of their own."""
    actor = actor_of(request)
    project = scope.current_project(request, scope.projects_of(request, actor))
    retired, q = request.GET.get("tab") == "retired", request.GET.get("q", "")
    page = presets.preset_page(
        actor,
        project=project.slug if project else "",
        q=q,
        state="retired" if retired else "",
        cursor=request.GET.get("cursor", ""),
    )
    context = {
        "page": page,
        "q": q,
        "retired": retired,
        "may_add": any(may_request(actor, one) for one in scope.projects_of(request, actor)),
        **links(request, page.previous, page.next),
    }
    return render(request, "reinstall/presets/list.html", context)


@require_GET
@translated
def preset_detail(request: HttpRequest, slug: str, number: int | None = None) -> HttpResponse:
    """A preset at one of its versions, the newest where none is named."""
    actor = actor_of(request)
    preset = presets.preset_with_versions(actor, slug)
    version = preset.version(preset.latest.number if number is None else number)
    scope.show(request, preset.project_slug)
    context = {
        "preset": preset,
        "version": version,
        "uses": presets.uses_of(preset),
        **(_scripts(preset, version) if may_be_shown_scripts(actor, preset.project_slug) else {}),
    }
    return render(request, "reinstall/presets/detail.html", context)


def _scripts(preset: presets.PresetView, version: presets.VersionView) -> dict[str, object]:
    """What is told of the version's script, and of what it changed, without a word of it."""
    if not version.user_data_bytes:
        return {}
    now = _in_use(preset, version.number).settings.user_data
    before = _in_use(preset, version.before).settings.user_data if version.before else now
    return {
        "shows_script": True,
        "secrets": [one for one in reading(now, "").findings if one.code == "secret"],
        "changed_lines": diff(before, now).words if before != now else "",
    }


@require_http_methods(_READ_WRITE)
@translated
def preset_new(request: HttpRequest) -> HttpResponse:
    """A new preset: empty, or as a version of another one says."""
    actor = actor_of(request)
    if not (request.GET.get("project") or request.GET.get("from")):
        return _which_project(request, actor)
    source = _source(actor, request.GET.get("from", ""))
    slug = source.version.preset.project.slug if source else request.GET.get("project", "")
    if request.method != "POST":
        values = first_values(source) | ({"name": f"{source.version.preset.name} copy"} if source else {})
        return _form_page(request, actor, slug, _made(actor, PresetForm(initial=values), source))
    form = _sent(request, actor, source)
    if form.is_valid() and request.POST.get("action") != EDIT:
        try:
            made = create_preset(
                actor=actor,
                now=timezone.now(),
                project=slug,
                name=form.cleaned_data["name"],
                settings=form.settings(),
                note=form.cleaned_data["note"],
            )
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        else:
            return _saved(request, made)
    return _form_page(request, actor, slug, form)


def _which_project(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A preset belongs to one project: its key pairs and KMS keys are there."""
    mine = [one for one in scope.projects_of(request, actor) if may_request(actor, one)]
    chosen = scope.current_project(request, tuple(mine)) or (mine[0] if len(mine) == 1 else None)
    if not mine:
        raise NotAllowed("Presets are made by those who may reinstall: you need the role requester.")
    if chosen is not None:
        return see_other("preset-new", query=f"project={chosen.slug}")
    return render(request, "reinstall/presets/projects.html", {"projects": mine})


@require_http_methods(_READ_WRITE)
@translated
def preset_change(request: HttpRequest, slug: str) -> HttpResponse:
    """A new version; as typed again where somebody else was faster."""
    actor = actor_of(request)
    preset = presets.get_preset(actor, slug)
    _must_change(preset)
    source = _in_use(preset, preset.latest.number)
    if request.method != "POST":
        form = _made(actor, PresetForm(initial=first_values(source)), source)
        return _form_page(request, actor, preset.project_slug, form, preset=preset)
    form, stale = _sent(request, actor, source), None
    if form.is_valid() and request.POST.get("action") != EDIT:
        try:
            made = add_version(
                actor=actor,
                now=timezone.now(),
                slug=slug,
                base=form.cleaned_data["base"] or 0,
                settings=form.settings(),
                note=form.cleaned_data["note"],
            )
            return _saved(request, made)
        except RuleBroken as broken:
            form.add_refusals(broken.errors)
        except Conflict as conflict:
            if conflict.code != STALE:
                raise
            stale = preset.latest
    status = 409 if stale else 200
    return _form_page(request, actor, preset.project_slug, form, preset=preset, stale=stale, status=status)


@translated
def shown_again(request: HttpRequest, why: str, slug: str = "") -> HttpResponse:
    """The form as it was typed. Saves nothing."""
    actor = actor_of(request)
    preset = presets.get_preset(actor, slug) if slug else None
    source = _in_use(preset, preset.latest.number) if preset else _source(actor, request.GET.get("from", ""))
    project = preset.project_slug if preset else request.GET.get("project", "")
    if source is not None and not project:
        project = source.version.preset.project.slug
    form = _made(actor, PresetForm(request.POST), source).not_done(why)
    return _form_page(request, actor, project, form, preset=preset)


@require_POST
@translated
def preset_check(request: HttpRequest, slug: str) -> HttpResponse:
    """What stands out in a script while it is written, as a fragment; slug is that of the project."""
    actor = actor_of(request)
    get_project(actor, slug)
    form = PresetForm(request.POST, request.FILES)
    form.is_valid()
    html = render_to_string("reinstall/reinstalls/_warnings.html", {"script": script_panel(form, "")})
    return JsonResponse({"html": {"script-warnings": html}})


def _must_change(preset: presets.PresetView) -> None:
    if not preset.may_change:
        raise NotAllowed(f"Changing presets in {preset.project_name} needs the role requester.")


def _source(actor: Actor, text: str) -> InUse | None:
    """The version a new preset is made from. Raises NotFound, NotAllowed."""
    if not text:
        return None
    slug, number = read_reference(text)
    preset = presets.get_preset(actor, slug)
    _must_change(preset)
    return _in_use(preset, preset.latest.number if number is None else number)


def _in_use(preset: presets.PresetView, number: int) -> InUse:
    row = presets.sealed_version(preset, number)
    return InUse(row, open_settings(row), preset.latest.number)


def _made(actor: Actor, form: PresetForm, source: InUse | None) -> PresetForm:
    form.used = source
    form.quotes_preset = was_put_in(actor, source, form.data.get("script_shown"))
    return form


def _sent(request: HttpRequest, actor: Actor, source: InUse | None) -> PresetForm:
    """The form that was sent, with the script of its version in it where that was asked for."""
    typed = request.POST.copy()
    if source is None or typed.get("action") != EDIT:
        return _made(actor, PresetForm(typed, request.FILES), source)
    try:
        put_in(actor, source, typed)
    except (Conflict, RuleBroken) as refused:
        return _made(actor, PresetForm(typed, request.FILES), source).not_done(str(refused))
    return _made(actor, PresetForm(typed, request.FILES), source)


def _saved(request: HttpRequest, made: PresetVersion) -> HttpResponse:
    words = f"{made.preset.name} v{made.number} was saved."
    messages.add_message(request, messages.SUCCESS, words, extra_tags="ok")
    return see_other("preset", made.preset.slug)


def _form_page(
    request: HttpRequest,
    actor: Actor,
    project: str,
    form: PresetForm,
    *,
    preset: presets.PresetView | None = None,
    stale: presets.VersionView | None = None,
    status: int = 200,
) -> HttpResponse:
    found = get_project(actor, project)
    if not may_request(actor, found):
        raise NotAllowed(f"Presets in {found.name} need the role requester.")
    scope.show(request, project)
    if form.is_bound:
        form.come_back()
    context: dict[str, Any] = {
        "form": form,
        "project": found,
        "preset": preset,
        "stale": stale,
        "used": form.used,
        "editable": form.used is not None and is_editable(form.used.settings.user_data),
        "script": script_panel(form, ""),
        # Sent once more after somebody was faster, it counts for the version that is there now.
        "base": stale.number if stale else form["base"].value() or "",
        **setting_choices(actor, project, form),
        "sources": sources_of(form, f"As in {form.used.title}" if form.used else ""),
    }
    answer = render(request, "reinstall/presets/form.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
