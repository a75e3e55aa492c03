"""Who can give somebody the right they lack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from reinstall.domain.actors import Actor
from reinstall.models import Membership, Project

#: Named on a page; whoever has more admins finds one of them.
MOST = 5


@dataclass(frozen=True, slots=True)
class Givers:
    """The project and the account names of its admins, which may be none."""

    project: str
    admins: tuple[str, ...]


def givers_of(actor: Actor, named: Mapping[str, Any]) -> Givers | None:
    """Of the project an address is about, told by its parameters; None where the actor does not see it."""
    wanted = Q(pk=None)
    if "server_id" in named:
        wanted |= Q(servers__pk=named["server_id"])
    if "job_id" in named:
        wanted |= Q(jobs__pk=named["job_id"])
    if "slug" in named:
        wanted |= Q(slug=named["slug"]) | Q(presets__slug=named["slug"])
    found = Project.objects.visible_to(actor).filter(wanted).distinct()[:2]
    if len(found) != 1:
        return None
    admins = Membership.objects.filter(project=found[0], role=Membership.Role.ADMIN, user__is_active=True)
    names = admins.order_by("user__username").values_list("user__username", flat=True)[:MOST]
    return Givers(found[0].name, tuple(names))
