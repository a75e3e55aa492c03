"""REST: a person's own API tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.authentication import actor_of
from reinstall.api.bodies import Body, Number, Text, Texts, read_body
from reinstall.api.documentation import describes, describes_list
from reinstall.api.lists import ListKind, answer_list
from reinstall.api.versions import answer_one, must_match
from reinstall.api.views import ApiView
from reinstall.models import ApiToken
from reinstall.selectors import tokens
from reinstall.selectors.pages import Page
from reinstall.services import tokens as token_services
from reinstall.services.tokens import MAX_DAYS, SCOPES, TokenRequest


class TokenShape(serializers.Serializer[Any]):
    """A token, without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="Its first characters, to tell tokens apart.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    projects = serializers.ListField(
        child=serializers.CharField(), help_text="Empty: every project of the person."
    )
    networks = serializers.ListField(
        child=serializers.CharField(), help_text="Where it may be used from; empty: everywhere."
    )
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_used_from = serializers.CharField(help_text="The address of that use; empty before the first.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewTokenShape(TokenShape):
    """A token just made. This is the only time its secret is shown."""

    secret = serializers.CharField()


class TokenBody(Body):
    """A new token for oneself."""

    name = Text()
    scopes = Texts(help_text="Of read, request.")
    projects = Texts(default=list, help_text="Slugs; empty: every project of yours.")
    days = Number(default=MAX_DAYS, help_text=f"How long it lives, 1 to {MAX_DAYS}.")
    networks = Texts(
        default=list,
        help_text="Where it may be used from, like 10.1.0.0/16 or 2001:db8::/48; empty: everywhere.",
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A token as both shapes read it."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    projects: list[str]
    networks: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_from: str
    revoked_at: datetime | None
    secret: str = ""

    @property
    def version(self) -> str:
        """Another one once it is revoked; being used does not change what one decides about it."""
        return f"token {self.id} {self.revoked_at}"


def _shown(token: ApiToken, secret: str = "") -> _Shown:
    return _Shown(
        id=token.pk,
        name=token.name,
        prefix=token.prefix,
        scopes=list(token.scopes),
        projects=sorted(project.slug for project in token.projects.all()),
        networks=list(token.networks),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        last_used_from=token.last_used_from,
        revoked_at=token.revoked_at,
        secret=secret,
    )


TOKENS = ListKind("tokens", TokenShape)


class TokenList(ApiView):
    """One's own tokens, newest first, ended ones too."""

    @describes_list(TOKENS, "list_tokens", "Your API tokens")
    def get(self, request: Request) -> HttpResponse | Response:
        actor = actor_of(request)

        def read(query: object, cursor: str, limit: int) -> Page[_Shown]:
            page = tokens.token_page(actor, cursor=cursor, limit=limit)
            return Page(tuple(_shown(token) for token in page.items), page.next, page.previous)

        return answer_list(request, TOKENS, read)

    @describes(
        "create_token", "Make a token; its secret is shown once", NewTokenShape, good=201, body=TokenBody
    )
    def post(self, request: Request) -> Response:
        body = read_body(TokenBody, request)
        new = token_services.create_token(
            actor=actor_of(request), now=timezone.now(), user=_person(request), request=TokenRequest(**body)
        )
        shown = _shown(new.token, new.secret)
        location = f"{request.path}{shown.id}/"
        return answer_one(request, NewTokenShape, shown, version=shown.version, status=201, Location=location)


class TokenDetail(ApiView):
    """One of one's own tokens."""

    @describes(
        "get_token",
        "One of your tokens",
        TokenShape,
        problems=(404,),
        headers=("If-None-Match",),
    )
    def get(self, request: Request, token_id: int) -> Response:
        shown = _shown(tokens.get_token(actor_of(request), token_id))
        return answer_one(request, TokenShape, shown, version=shown.version)

    @describes(
        "revoke_token", "Revoke a token, at once", None, good=204, problems=(404, 412), headers=("If-Match",)
    )
    def delete(self, request: Request, token_id: int) -> Response:
        actor = actor_of(request)
        must_match(request, _shown(tokens.get_token(actor, token_id)).version)
        token_services.revoke_token(actor=actor, now=timezone.now(), token_id=token_id)
        return Response(status=204)


def _person(request: Request) -> User:
    person = request.user
    if not isinstance(person, User):
        raise TypeError("this view is reached only after SignedIn")
    return person
