"""The reinstall form of many servers: shown with those left out first, checked, placed as one order."""

import uuid
from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, FieldError, NotFound, RuleBroken
from reinstall.domain.identity import ServerFacts
from reinstall.domain.spec import MODE_STOP_FIRST
from reinstall.selectors.selections import Chosen, get_chosen
from reinstall.selectors.servers import get_server
from reinstall.services.orders import OrderRequest, confirm_phrase, place_order
from reinstall.services.reviews import reviewed
from reinstall.services.summed_checks import summed
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
from reinstall.web.reinstalls import SIGNED_ANEW, SIGNED_OUT, TOO_OLD
from reinstall.web.script_panel import script_panel

#: Up to so many servers a page brings back all it showed of each; beyond that, which they are.
FACTS_OF = 100
#: Servers a page lists by name; the rest is a number.
LISTED = 200


@require_http_methods(["GET", "HEAD", "POST"])
@translated
def reinstall_many(request: HttpRequest) -> HttpResponse:
    """GET shows the form of a selection, POST checks it or places the order; both answer complete pages."""
    actor = actor_of(request)
    selection = _asked(request)
    if request.method == "POST":
        return _sent(request, actor, selection)
    chosen = get_chosen(actor, selection)
    scope.show(request, chosen.project_slug)
    if len(chosen.rows) == 1:
        for left in chosen.left_out:
            messages.add_message(
                request, messages.WARNING, f"{left.name} is left out: {left.why}", extra_tags="attn"
            )
        return see_other("reinstall", chosen.rows[0].id)
    if not chosen.rows:
        return render(request, "reinstall/many/none.html", {"chosen": chosen})
    draft = draft_of(request, selection)
    if draft is not None:
        form = form_of(actor, chosen.project_slug, draft)
        return _again(request, actor, selection, chosen, form.not_done(SIGNED_OUT))
    form = ReinstallForm(_first_values(actor, chosen))
    form.is_valid()
    looked = _look(actor, form, chosen)
    return _page(request, selection, chosen, ReinstallForm(initial=dict(form.data)), looked)


@require_POST
@translated
def check_many(request: HttpRequest) -> HttpResponse:
    """The checks and the request preview of a form being filled in, as fragments for the page."""
    actor = actor_of(request)
    shown, _ = _shown(request)
    chosen = get_chosen(actor, _asked(request), shown or None)
    form = form_of(actor, chosen.project_slug, request.POST, request)
    form.is_valid()
    context = _checks_context(_look(actor, form, chosen))
    # Of many servers no one system is assumed.
    script = {"script": script_panel(form, "")}
    fragments = {
        "checks": render_to_string("reinstall/many/_checks.html", context),
        "preview": render_to_string("reinstall/reinstalls/_preview.html", context),
        "script-warnings": render_to_string("reinstall/reinstalls/_warnings.html", script),
    }
    return JsonResponse({"html": fragments})


def _asked(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.GET.get("selection", ""))
    except ValueError:
        raise NotFound("There is no such selection. Choose the servers in the list.") from None


def _shown(request: HttpRequest) -> tuple[tuple[str, ...], tuple[ServerFacts, ...]]:
    """The servers the form's page listed, and what it showed of each; nothing where the seal is broken."""
    seen = review_in(request.POST.get("seen", ""))
    ids, facts = seen.get("servers"), seen.get("facts")
    known = [ServerFacts.from_json(one) for one in facts] if isinstance(facts, list) else []
    shown = tuple(str(uuid.UUID(one)) for one in ids) if isinstance(ids, list) else ()
    return shown, tuple(one for one in known if one is not None)


def _sent(request: HttpRequest, actor: Actor, selection: uuid.UUID) -> HttpResponse:
    forget(request)
    shown, facts = _shown(request)
    chosen = get_chosen(actor, selection, shown or None)
    scope.show(request, chosen.project_slug)
    form = sent_form(actor, chosen.project_slug, request)
    valid = form.is_valid()
    if request.POST.get("action") in (TAKE, EDIT):
        return _again(request, actor, selection, chosen, form)
    if request.POST.get("action") == "check":
        form.add_refusals(_look(actor, form, chosen).problems)
        return _again(request, actor, selection, chosen, form)
    submission = submission_of(request, selection, request.POST.get("once", ""))
    if submission is None or not shown:
        form.not_done(TOO_OLD)
    elif valid:
        # All that were shown: a submission placed before is found again, whatever holds its servers since.
        asked = replace(_request(form, chosen, shown), reviewed=facts)
        try:
            placed = place_order(actor=actor, now=timezone.now(), request=asked, submission_id=submission)
        except RuleBroken as broken:
            chosen = get_chosen(actor, selection, shown)
            lost = _unusable(chosen, shown)
            form.add_refusals((*lost, *(e for e in broken.errors if not lost or e.field in form.fields)))
        except (Conflict, NotFound) as refused:
            chosen = get_chosen(actor, selection, shown)
            form.add_refusals(_unusable(chosen, shown) or (FieldError("", str(refused)),))
        else:
            return see_other("jobs", query=f"order={placed.order.pk}")
    return _again(request, actor, selection, chosen, form)


@translated
def shown_again(request: HttpRequest, why: str = SIGNED_ANEW) -> HttpResponse:
    """A form of an earlier sign-in, as it was typed but for the confirmation. Places nothing."""
    actor, selection = actor_of(request), _asked(request)
    shown, _ = _shown(request)
    chosen = get_chosen(actor, selection, shown or None)
    scope.show(request, chosen.project_slug)
    typed = request.POST.copy()
    typed["confirm"] = ""
    form = form_of(actor, chosen.project_slug, typed, request)
    return _again(request, actor, selection, chosen, form.not_done(why))


def _unusable(chosen: Chosen, shown: tuple[str, ...]) -> tuple[FieldError, ...]:
    """Servers the page offered and that cannot be reinstalled any more, each by its name."""
    now = {left.id: left for left in chosen.left_out}
    return tuple(
        FieldError("", f"{now[key].name} cannot be reinstalled any more: {now[key].why} Nothing was sent.")
        for key in shown
        if key in now
    )


def _request(form: ReinstallForm, chosen: Chosen, servers: tuple[str, ...]) -> OrderRequest:
    return replace(form.order_request(chosen.project_slug, uuid.UUID(servers[0])), servers=servers)


def _look(actor: Actor, form: ReinstallForm, chosen: Chosen) -> Looked:
    """What would be sent; nothing where no server is left."""
    if not chosen.rows:
        return Looked(None, form.unread)
    return look(actor, form, _request(form, chosen, chosen.ids))


def _first_values(actor: Actor, chosen: Chosen) -> dict[str, str]:
    """As for one server, but no key pair: whose it would be differs from server to server. Where any of them
    is not off, they are stopped first."""
    values = first_values(actor, get_server(actor, chosen.rows[0].id))
    values["mode"] = "" if all(row.state == "stopped" for row in chosen.rows) else MODE_STOP_FIRST
    return {name: value for name, value in values.items() if name not in ("keyname", "userid")}


def _again(
    request: HttpRequest, actor: Actor, selection: uuid.UUID, chosen: Chosen, form: ReinstallForm
) -> HttpResponse:
    """The form as it was typed, with what is wrong beside each field."""
    form.come_back()
    if not chosen.rows:
        return render(request, "reinstall/many/none.html", {"chosen": chosen, "form": form})
    return _page(request, selection, chosen, form, _look(actor, form, chosen))


def _page(
    request: HttpRequest, selection: uuid.UUID, chosen: Chosen, form: ReinstallForm, looked: Looked
) -> HttpResponse:
    actor = actor_of(request)
    ids = chosen.ids
    facts = reviewed(actor, chosen.project_slug, ids) if len(ids) <= FACTS_OF else ()
    seen: dict[str, object] = {
        "servers": [row.id.hex for row in chosen.rows],
        "facts": [one.to_json() for one in facts],
    }
    choices = choices_for(actor, get_server(actor, chosen.rows[0].id), form)
    if len(ids) > 1:
        choices["phrase"] = confirm_phrase([row.name for row in chosen.rows])
    context = {
        **choices,
        **_checks_context(looked),
        "chosen": chosen,
        "listed": chosen.rows[:LISTED],
        "unlisted": len(chosen.rows[LISTED:]),
        "count": len(chosen.rows),
        "selection": selection,
        "form": form,
        "script": script_panel(form, ""),
        "once": new_once(request, selection),
        "seen": seal_review(seen),
    }
    return render(request, "reinstall/many/form.html", context)


def _checks_context(looked: Looked) -> dict[str, object]:
    preview = looked.preview
    return {
        "summed": summed(preview) if preview is not None else None,
        "fresh": preview is not None and preview.fresh,
        # One body for all of them: the first stands for the others.
        "preview": replace(preview, requests=preview.requests[:1]) if preview is not None else None,
        "problems": looked.problems,
    }
