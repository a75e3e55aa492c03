"""Who belongs to a project, told by account names: roles given and taken away."""

from datetime import datetime

from django.contrib.auth.models import User

from reinstall.domain.actors import Actor
from reinstall.domain.errors import FieldError, RuleBroken
from reinstall.models import Membership, Project
from reinstall.services import access


def give_role(*, actor: Actor, now: datetime, slug: str, user: str, role: str) -> Membership:
    """Gives the account called `user` a role in the project, in place of the one it had.

    Raises RuleBroken naming user, role or both; NotAllowed, NotFound.
    """
    project = _project(actor, slug)
    person = _account(user)
    errors = [] if person else [FieldError("user", _unknown(user), "unknown")]
    if role not in Membership.Role.values:
        errors.append(FieldError("role", f"Choose one of {', '.join(Membership.Role.values)}.", "choice"))
    if errors or person is None:
        raise RuleBroken.of(errors)
    return access.set_role(actor=actor, now=now, user_id=person.pk, project=project, role=role)


def take_role(*, actor: Actor, now: datetime, slug: str, user: str) -> None:
    """Takes the role of the account called `user` away; nothing happens where it has none.

    Raises RuleBroken naming user or role, NotAllowed, NotFound.
    """
    project = _project(actor, slug)
    person = _account(user)
    if person is None:
        raise RuleBroken(_unknown(user), "user", "unknown")
    access.end_role(actor=actor, now=now, user_id=person.pk, project=project)


def _project(actor: Actor, slug: str) -> Project:
    """The project, where `actor` may give roles: nobody else learns here which accounts there are."""
    project = access.project_for_reading(actor, slug)
    access.must_give_roles(actor, project)
    return project


def _account(name: str) -> User | None:
    # No name has a NUL, and PostgreSQL takes no question with one.
    return None if "\0" in name else User.objects.filter(username=name).first()


def _unknown(user: str) -> str:
    return f"There is no account {user}. Write a user name." if user else "Write a user name."
