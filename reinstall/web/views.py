"""Keeping the list of servers, as it is filtered, under a name; forgetting that."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from reinstall.domain.errors import Conflict, RuleBroken
from reinstall.services.views import delete_view, save_view
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated
from reinstall.web.server_lists import PAGE, kept_query


@require_POST
@translated
def view_save(request: HttpRequest) -> HttpResponse:
    """Keeps the filter the page was made with, and shows it as a tab."""
    query = kept_query(QueryDict(request.POST.get("query", "")))
    try:
        save_view(
            actor=actor_of(request),
            now=timezone.now(),
            page=PAGE,
            name=request.POST.get("name", ""),
            query=query,
        )
    except (Conflict, RuleBroken) as refused:
        messages.add_message(request, messages.WARNING, str(refused), extra_tags="attn")
    return _list(query)


@require_POST
@translated
def view_delete(request: HttpRequest, view_id: int) -> HttpResponse:
    """Forgets a view; the list is shown as it was, without the tab."""
    return _list(delete_view(actor=actor_of(request), now=timezone.now(), view_id=view_id).query)


def _list(query: str) -> HttpResponse:
    answer = HttpResponseRedirect(f"{reverse('servers')}?{query}")
    answer.status_code = 303
    return answer
