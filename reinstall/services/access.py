"""Who may do what: rights, API tokens."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.domain.roles import PEOPLE_ONLY, Right, missing_right, roles_with
from reinstall.models import ApiToken, Membership, Project
from reinstall.services import history

SCOPES = ("read", "request")
MAX_DAYS = 90


def project_for_reading(actor: Actor, slug: str) -> Project:
    """The project, if `actor` may see it; NotFound otherwise, whichever of the two it is."""
    project = Project.objects.visible_to(actor).select_related("cloud").filter(slug=slug).first()
    if project is None:
        raise NotFound(f"There is no project {slug}.")
    return project


def project_for_requests(actor: Actor, slug: str) -> Project:
    """The project, if `actor` may wipe servers in it. Raises NotFound, or NotAllowed naming the right."""
    project = project_for_reading(actor, slug)
    must_have(actor, project, Right.REQUEST)
    return project


def must_manage(actor: Actor, project: Project) -> None:
    """Raises NotAllowed unless `actor` administers `project`."""
    must_have(actor, project, Right.MANAGE)


def must_have(actor: Actor, project: Project, right: Right) -> None:
    """Raises NotAllowed, naming what is missing, unless `actor` has `right` in `project`, which they see."""
    if actor.scopes is not None and right in PEOPLE_ONLY:
        raise NotAllowed("A token cannot do this. It is decided by a person: sign in to do it.")
    if actor.scopes is not None and "request" not in actor.scopes:
        raise NotAllowed('This token may read only. This act needs a token with the scope "request".')
    if not has(actor, project, right):
        raise NotAllowed(missing_right(right, project.name))


def person_may(person: User, project: Project, right: Right) -> bool:
    """Whether `person`, signed in, has `right` in `project`."""
    if person.is_superuser or not person.is_active:
        return person.is_active
    return _members(project, right).filter(user=person).exists()


def person_may_request(person: User, project: Project) -> bool:
    """Whether `person`, signed in, may wipe servers in `project`."""
    return person_may(person, project, Right.REQUEST)


def has(actor: Actor, project: Project, right: Right) -> bool:
    """Whether the person who acts has `right` in `project`; a token's scopes are not looked at."""
    if actor.sees_all:
        return True
    return actor.user_id is not None and _members(project, right).filter(user_id=actor.user_id).exists()


def _members(project: Project, right: Right) -> QuerySet[Membership]:
    return Membership.objects.filter(project=project, role__in=roles_with(right))


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; `secret` is shown once and kept nowhere."""

    token: ApiToken
    secret: str


def create_token(
    *,
    actor: Actor,
    now: datetime,
    user: User,
    name: str,
    scopes: Sequence[str],
    project_slugs: Sequence[str],
    days: int,
) -> NewToken:
    """Makes an API token of `user`. Raises RuleBroken naming the field."""
    _may_make_tokens(actor, user)
    _check_token(name, scopes, days)
    projects = [project_for_reading(actor, slug) for slug in dict.fromkeys(project_slugs)]
    secret = f"ecsp_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name.strip(),
            prefix=secret[:10],
            digest=_digest(secret),
            scopes=sorted(set(scopes)),
            limited=bool(projects),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        token.projects.set(projects)
        after = _token_facts(token, projects)
        history.record(actor=actor, now=now, act=_token_act(token, "token.created", {}, after))
    return NewToken(token, secret)


def _may_make_tokens(actor: Actor, user: User) -> None:
    if actor.scopes is not None:
        raise NotAllowed("A token cannot make tokens. Sign in to make one.")
    if not actor.sees_all and actor.user_id != user.pk:
        raise NotAllowed("People make tokens for themselves only.")
    if not user.is_active:
        raise RuleBroken(f"The account {user.get_username()} is disabled; its tokens would not work.", "user")


def _token_facts(token: ApiToken, projects: Sequence[Project]) -> dict[str, Any]:
    return {
        "name": token.name,
        "scopes": token.scopes,
        "projects": sorted(p.slug for p in projects),
        "expires_at": token.expires_at.isoformat(),
        "user": token.user.get_username(),
    }


def _check_token(name: str, scopes: Sequence[str], days: int) -> None:
    if not name.strip() or len(name.strip()) > 80 or not name.strip().isprintable():
        raise RuleBroken("Give the token a name of 1 to 80 characters, like the tool that uses it.", "name")
    if not scopes or set(scopes) - set(SCOPES):
        raise RuleBroken(f"Scopes are one or more of {', '.join(SCOPES)}.", "scopes")
    if not 1 <= days <= MAX_DAYS:
        raise RuleBroken(f"A token lives 1 to {MAX_DAYS} days.", "days")


def revoke_token(*, actor: Actor, now: datetime, token_id: int) -> ApiToken:
    """Ends a token of the actor's own (any, for a superuser) at once; a token may end itself only."""
    if actor.scopes is not None and actor.token_id != token_id:
        raise NotAllowed("A token can revoke itself only. Sign in to revoke others.")
    whose = {} if actor.sees_all else {"user_id": actor.user_id or 0}
    tokens = ApiToken.objects.filter(**whose)
    with transaction.atomic():
        token = tokens.filter(pk=token_id).first()
        if token is None:
            raise NotFound(f"There is no token {token_id}.")
        # Conditional: of two who revoke at once, one did it.
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            token.revoked_at = now
            after = {"revoked_at": now.isoformat()}
            history.record(actor=actor, now=now, act=_token_act(token, "token.revoked", {}, after))
    return token


def authenticate_token(*, secret: str, now: datetime, address: str) -> tuple[User, ApiToken] | None:
    """The person and token behind `secret`, or None when unknown, expired, revoked or disabled."""
    found = (
        ApiToken.objects.select_related("user")
        .prefetch_related("projects")
        .filter(digest=_digest(secret), revoked_at=None, expires_at__gt=now, user__is_active=True)
        .first()
    )
    if found is None:
        return None
    if found.last_used_at is None or found.last_used_at < now - timedelta(minutes=1):
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found.user, found


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def _token_act(token: ApiToken, action: str, before: dict[str, Any], after: dict[str, Any]) -> history.Act:
    return history.Act(
        action=action,
        object_type="token",
        object_id=str(token.pk),
        object_label=f"{token.name} ({token.prefix}…)",
        before=before,
        after=after,
    )


def set_role(*, actor: Actor, now: datetime, user_id: int, project: Project, role: str) -> Membership:
    """Gives a person a role in a project, in place of the one they had. Needs the role admin there."""
    must_manage(actor, project)
    if role not in Membership.Role.values:
        raise RuleBroken(f"Write one of {', '.join(Membership.Role.values)}.", "role", "choice")
    if not User.objects.filter(pk=user_id).exists():
        raise NotFound(f"There is no account {user_id}.")
    with transaction.atomic():
        before = Membership.objects.filter(user_id=user_id, project=project).first()
        made, _ = Membership.objects.update_or_create(
            user_id=user_id, project=project, defaults={"role": role}
        )
        act = _role_act("role.given", made, {"role": before.role} if before else {}, {"role": role})
        history.record(actor=actor, now=now, act=act)
    return made


def end_role(*, actor: Actor, now: datetime, user_id: int, project: Project) -> None:
    """Takes a person's role in a project away; nothing happens when there is none."""
    must_manage(actor, project)
    with transaction.atomic():
        found = Membership.objects.select_related("user").filter(user_id=user_id, project=project).first()
        if found is not None:
            act = _role_act("role.ended", found, {"role": found.role}, {})
            found.delete()
            history.record(actor=actor, now=now, act=act)


def _role_act(
    action: str, member: Membership, before: dict[str, object], after: dict[str, object]
) -> history.Act:
    name = member.user.get_username()
    return history.Act(
        action=action,
        object_type="membership",
        object_id=f"{member.project.slug}/{name}",
        object_label=f"{name} in {member.project.name}",
        project_slug=member.project.slug,
        before=before,
        after=after,
    )
