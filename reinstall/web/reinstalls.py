"""The reinstall form of one server: shown, checked, placed."""

import uuid
from dataclasses import replace

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, FieldError, RuleBroken
from reinstall.domain.identity import ServerFacts
from reinstall.selectors.server_about import similar_servers
from reinstall.selectors.servers import ServerView, get_server
from reinstall.services.orders import OrderRequest, place_order
from reinstall.services.reviews import reviewed
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.drafts import draft_of, forget
from reinstall.web.errors import translated
from reinstall.web.forms import ReinstallForm
from reinstall.web.looking import Looked, look
from reinstall.web.once import new_once, review_in, seal_review, submission_of
from reinstall.web.preset_choice import EDIT, TAKE, form_of, sent_form
from reinstall.web.reinstall_choices import choices_for, first_values
from reinstall.web.script_panel import script_panel

TOO_OLD = (
    "This form was opened more than two hours ago, or before you signed in again. Nothing was sent. "
    "Look it over and send it again."
)

SIGNED_ANEW = (
    "You signed in anew since this form was opened. Nothing was sent. Look it over and send it again."
)

SIGNED_OUT = (
    "You were signed out before this form was sent. Nothing was sent. Look it over and send it again."
)


@require_http_methods(["GET", "HEAD", "POST"])
@translated
def reinstall(request: HttpRequest, server_id: uuid.UUID) -> HttpResponse:
    """GET shows the form, POST checks it or places the order; both answers are complete pages."""
    actor = actor_of(request)
    server = get_server(actor, server_id)
    scope.show(request, server.row.project_slug)
    if request.method != "POST":
        draft = draft_of(request, server_id)
        if draft is not None:
            again = form_of(actor, server.row.project_slug, draft)
            return _again(request, actor, server, again.not_done(SIGNED_OUT))
        form = ReinstallForm(first_values(actor, server))
        form.is_valid()
        looked = _look(request, actor, form, server)
        return _page(request, actor, server, ReinstallForm(initial=dict(form.data)), looked)
    forget(request)
    form = sent_form(actor, server.row.project_slug, request)
    valid = form.is_valid()
    if request.POST.get("action") in (TAKE, EDIT):
        return _again(request, actor, server, form)
    if request.POST.get("action") == "check":
        looked = _look(request, actor, form, server)
        form.add_refusals(looked.problems)
        return _again(request, actor, server, form)
    return _placed(request, actor, server, form) if valid else _again(request, actor, server, form)


@require_POST
@translated
def check(request: HttpRequest, server_id: uuid.UUID) -> HttpResponse:
    """The checks and the request preview of a form being filled in, as fragments for the page."""
    actor = actor_of(request)
    server = get_server(actor, server_id)
    form = form_of(actor, server.row.project_slug, request.POST, request)
    form.is_valid()
    looked = _look(request, actor, form, server)
    context = {"preview": looked.preview, "problems": looked.problems}
    script = {"script": script_panel(form, server.os_type)}
    fragments = {
        "checks": render_to_string("reinstall/reinstalls/_checks.html", context),
        "preview": render_to_string("reinstall/reinstalls/_preview.html", context),
        "script-warnings": render_to_string("reinstall/reinstalls/_warnings.html", script),
    }
    return JsonResponse({"html": fragments})


@translated
def shown_again(request: HttpRequest, server_id: uuid.UUID, why: str = SIGNED_ANEW) -> HttpResponse:
    """A form of an earlier sign-in, as it was typed but for the confirmation. Places nothing."""
    actor = actor_of(request)
    server = get_server(actor, server_id)
    scope.show(request, server.row.project_slug)
    typed = request.POST.copy()
    typed["confirm"] = ""
    form = form_of(actor, server.row.project_slug, typed, request)
    return _again(request, actor, server, form.not_done(why))


def _look(request: HttpRequest, actor: Actor, form: ReinstallForm, server: ServerView) -> Looked:
    return look(actor, form, _asked(request, form, server))


def _asked(request: HttpRequest, form: ReinstallForm, server: ServerView) -> OrderRequest:
    """What the form asks for, of the server as its page showed it."""
    seen = ServerFacts.from_json(review_in(request.POST.get("seen", "")))
    asked = form.order_request(server.row.project_slug, server.row.id)
    return replace(asked, reviewed=(seen,) if seen else ())


def _placed(request: HttpRequest, actor: Actor, server: ServerView, form: ReinstallForm) -> HttpResponse:
    submission = submission_of(request, server.row.id, request.POST.get("once", ""))
    if submission is None:
        return _again(request, actor, server, form.not_done(TOO_OLD))
    asked = _asked(request, form, server)
    try:
        placed = place_order(actor=actor, now=timezone.now(), request=asked, submission_id=submission)
    except RuleBroken as broken:
        form.add_refusals(broken.errors)
        return _again(request, actor, server, form)
    except Conflict as conflict:
        form.add_refusals((FieldError("", str(conflict), conflict.code),))
        return _again(request, actor, server, form, holder=conflict.job)
    job = placed.order.jobs.values_list("pk", flat=True).get()
    return see_other("job", job)


def _again(
    request: HttpRequest, actor: Actor, server: ServerView, form: ReinstallForm, holder: int | None = None
) -> HttpResponse:
    """The form as it was typed, with what is wrong beside each field."""
    form.come_back()
    looked = _look(request, actor, form, server)
    return _page(request, actor, server, form, replace(looked, holder=holder))


def _page(
    request: HttpRequest, actor: Actor, server: ServerView, form: ReinstallForm, looked: Looked
) -> HttpResponse:
    if looked.preview is not None and looked.preview.fresh:
        # The glance may have found it changed: the page shows what the checks judged.
        server = get_server(actor, server.row.id)
    (shown,) = reviewed(actor, server.row.project_slug, [str(server.row.id)])
    context = {
        "server": server,
        "row": server.row,
        "form": form,
        "preview": looked.preview,
        "problems": looked.problems,
        "script": script_panel(form, server.os_type),
        "holder": looked.holder,
        "once": new_once(request, server.row.id),
        "similar": similar_servers(server),
        "seen": seal_review(shown.to_json()),
        **choices_for(actor, server, form),
    }
    return render(request, "reinstall/reinstalls/form.html", context)
