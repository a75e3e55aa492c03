"""Key pairs, by the cloud user each belongs to."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reinstall.selectors.keypairs import key_pairs
from reinstall.web import scope
from reinstall.web.actors import actor_of
from reinstall.web.errors import translated


@require_GET
@translated
def key_pair_list(request: HttpRequest) -> HttpResponse:
    """What was last read from the cloud, gone ones included."""
    actor = actor_of(request)
    project = scope.current_project(request, scope.projects_of(request, actor))
    found = key_pairs(actor, project, include_gone=True)
    groups = [{"userid": user, "keys": list(keys)} for user, keys in groupby(found, lambda key: key.userid)]
    return render(request, "reinstall/keypairs/list.html", {"groups": groups})
