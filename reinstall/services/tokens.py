"""API tokens: made, revoked, and recognised when somebody comes with one."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import FieldError, NotAllowed, NotFound, RuleBroken
from reinstall.domain.networks import MAX_NETWORKS, is_inside, read_network
from reinstall.models import ApiToken, Project
from reinstall.services import access, history, proof

log = logging.getLogger(__name__)

#: There is none for approving or settling: those take a person who has looked.
SCOPES = ("read", "request")
MAX_DAYS = 90


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token as it is asked for. projects: slugs, empty for all; networks: as people write them, empty for
    everywhere."""

    name: str
    scopes: Sequence[str]
    projects: Sequence[str] = ()
    days: int = MAX_DAYS
    networks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; `secret` is shown once and kept nowhere."""

    token: ApiToken
    secret: str


def create_token(*, actor: Actor, now: datetime, user: User, request: TokenRequest) -> NewToken:
    """Makes an API token of `user`. Raises RuleBroken naming each field that is wrong."""
    _may_make_tokens(actor, user)
    networks = _checked(request)
    proof.must_be_proved(actor, now=now)
    projects = [access.project_for_reading(actor, slug) for slug in dict.fromkeys(request.projects)]
    secret = f"ecsp_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=request.name.strip(),
            prefix=secret[:10],
            digest=_digest(secret),
            scopes=sorted(set(request.scopes)),
            limited=bool(projects),
            networks=networks,
            created_at=now,
            expires_at=now + timedelta(days=request.days),
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


def _checked(request: TokenRequest) -> list[str]:
    """The networks as they are kept. Raises RuleBroken with all that is wrong."""
    errors, name = [], request.name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        sentence = "Give the token a name of 1 to 80 characters, like the tool that uses it."
        errors.append(FieldError("name", sentence))
    if not request.scopes or set(request.scopes) - set(SCOPES):
        errors.append(FieldError("scopes", f"Scopes are one or more of {', '.join(SCOPES)}."))
    if not 1 <= request.days <= MAX_DAYS:
        errors.append(FieldError("days", f"A token lives 1 to {MAX_DAYS} days."))
    networks: dict[str, None] = {}
    for text in request.networks[: MAX_NETWORKS + 1]:
        try:
            networks[read_network(text)] = None
        except ValueError as error:
            errors.append(FieldError("networks", f"{error}.", "format"))
    if len(request.networks) > MAX_NETWORKS:
        errors.append(FieldError("networks", f"Name at most {MAX_NETWORKS} networks."))
    if errors:
        raise RuleBroken.of(errors)
    return list(networks)


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
    """The person and token behind `secret`; None when it is unknown, expired or revoked, its person disabled,
    or `address` outside of its networks."""
    found = (
        ApiToken.objects.select_related("user")
        .prefetch_related("projects")
        .filter(digest=_digest(secret), revoked_at=None, expires_at__gt=now, user__is_active=True)
        .first()
    )
    if found is None:
        return None
    if found.networks and not is_inside(address, found.networks):
        # Whoever calls is told no more than for an unknown token; the operator is.
        log.warning("token refused outside of its networks token=%s address=%s", found.pk, address)
        return None
    if found.last_used_at is None or found.last_used_at < now - timedelta(minutes=1):
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now, last_used_from=address[:64])
    return found.user, found


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def _token_facts(token: ApiToken, projects: Sequence[Project]) -> dict[str, Any]:
    return {
        "name": token.name,
        "scopes": token.scopes,
        "projects": sorted(p.slug for p in projects),
        "networks": token.networks,
        "expires_at": token.expires_at.isoformat(),
        "user": token.user.get_username(),
    }


def _token_act(token: ApiToken, action: str, before: dict[str, Any], after: dict[str, Any]) -> history.Act:
    return history.Act(
        action=action,
        object_type="token",
        object_id=str(token.pk),
        object_label=f"{token.name} ({token.prefix}…)",
        before=before,
        after=after,
    )
