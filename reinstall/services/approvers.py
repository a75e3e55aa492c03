"""Who could agree to an order, told before it is placed: an order nobody may approve waits for nothing."""

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db.models import Q

from reinstall.domain.actors import Actor
from reinstall.domain.roles import Right, roles_with
from reinstall.domain.verdicts import Check, Level
from reinstall.models import Project
from reinstall.services import approvals

#: People named; of more, how many.
_NAMED = 3


def checks(project: Project, actor: Actor) -> Iterator[Check]:
    """That a second person has to agree, and who could; nothing where nobody has to."""
    if not approvals.is_needed(project):
        return
    names = _others(project, Right.APPROVE, actor.user_id)
    sentence = "Nothing is sent until an approver agrees"
    if names:
        yield Check("approval", Level.TO_KNOW, f"{sentence}: {_listed(names)}.")
        return
    admins = _others(project, Right.MANAGE, actor.user_id)
    help_ = f"Ask an admin ({_listed(admins)})" if admins else "A superuser can help: ask them"
    yield Check(
        "approval",
        Level.TO_KNOW,
        f"{sentence}, and nobody but you may approve in {project.name}. {help_} to give somebody that role.",
    )


def _others(project: Project, right: Right, user_id: int | None) -> list[str]:
    """The names of those with the right, but for one person."""
    member = Q(memberships__project=project, memberships__role__in=roles_with(right))
    people = User.objects.filter(member | Q(is_superuser=True), is_active=True).exclude(pk=user_id or 0)
    return sorted(set(people.values_list("username", flat=True)))


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
