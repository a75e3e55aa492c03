"""Who calls: a token in the Authorization header, or the session of a browser."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from reinstall.domain.actors import Actor, Source
from reinstall.domain.errors import NotAllowed
from reinstall.domain.proofs import Proof
from reinstall.models import ApiToken
from reinstall.services import tokens

#: The same for all of them: whoever found a token is not told what would make it good.
_NO_TOKEN = "This token is not known here, was revoked, has expired, or may not be used from where you are."


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer ecsp_…`. Puts an Actor on `request.auth`; any other scheme is left to others."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = tokens.authenticate_token(
            secret=secret.strip(), now=timezone.now(), address=request.META.get("REMOTE_ADDR", "")
        )
        if found is None:
            raise AuthenticationFailed(_NO_TOKEN)
        user, token = found
        return user, _actor_of_token(request, user, token)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="ecsportal"'


class BrowserSession(SessionAuthentication):
    """The browser's session. Everything that changes something needs the CSRF token as well."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user, proof = found[0], Proof.of(request.session)
        if proof.is_over(timezone.now(), timedelta(seconds=settings.SESSION_COOKIE_AGE)):
            return None
        return user, Actor(
            user_id=user.pk,
            name=user.get_username(),
            source=Source.BROWSER,
            address=request.META.get("REMOTE_ADDR", ""),
            request_id=request.META.get("ecsportal.request_id", ""),
            sees_all=user.is_superuser,
            second_factor=proof.second_factor,
            proved_at=proof.proved_at,
        )


class SignedIn(BasePermission):
    """Somebody is signed in; a token has the scope its method needs: read, or request for changes."""

    def has_permission(self, request: Request, view: object) -> bool:
        actor = request.auth
        if not isinstance(actor, Actor):
            return False
        needed = "read" if request.method in SAFE_METHODS else "request"
        if actor.scopes is not None and needed not in actor.scopes:
            raise NotAllowed(f'This token does not have the scope "{needed}", which {request.method} needs.')
        return True


def actor_of(request: Request) -> Actor:
    """The one who calls, as authentication has put it on the request."""
    actor: Any = request.auth
    if not isinstance(actor, Actor):
        raise TypeError("this view is reached only after SignedIn")
    return actor


def _actor_of_token(request: Request, user: User, token: ApiToken) -> Actor:
    return Actor(
        user_id=user.pk,
        name=user.get_username(),
        source=Source.TOKEN,
        token_id=token.pk,
        token_name=token.name,
        address=request.META.get("REMOTE_ADDR", ""),
        request_id=request.META.get("ecsportal.request_id", ""),
        sees_all=user.is_superuser,
        scopes=frozenset(token.scopes),
        only_projects=tuple(project.pk for project in token.projects.all()) if token.limited else None,
    )
