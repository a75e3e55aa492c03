"""Protecting a server from its page, and lifting that."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from reinstall.domain.errors import Conflict, RuleBroken
from reinstall.services.protection import protect_server, unprotect_server
from reinstall.web.actors import actor_of
from reinstall.web.answers import see_other
from reinstall.web.errors import translated


@require_POST
@translated
def protect(request: HttpRequest, server_id: uuid.UUID) -> HttpResponse:
    """Nobody can reinstall the server from now on."""
    return _changed(request, server_id, protect_server)


@require_POST
@translated
def unprotect(request: HttpRequest, server_id: uuid.UUID) -> HttpResponse:
    """The server may be reinstalled again."""
    return _changed(request, server_id, unprotect_server)


def _changed(request: HttpRequest, server_id: uuid.UUID, change: Callable[..., object]) -> HttpResponse:
    said = request.POST.get("reason", "")
    try:
        change(actor=actor_of(request), now=timezone.now(), server_id=server_id, reason=said)
    except (Conflict, RuleBroken) as refused:
        messages.add_message(request, messages.WARNING, str(refused), extra_tags="attn")
    return see_other("server", server_id)
