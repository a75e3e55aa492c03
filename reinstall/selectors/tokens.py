"""A person's own API tokens."""

from django.db.models import QuerySet

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound
from reinstall.models import ApiToken
from reinstall.selectors.pages import Ordering, Page, page_of


def my_tokens(actor: Actor) -> tuple[ApiToken, ...]:
    """The actor's tokens, newest first, ended ones too, each with its projects."""
    return tuple(_mine(actor).order_by("-created_at", "-id"))


def token_page(actor: Actor, *, cursor: str = "", limit: int = 50) -> Page[ApiToken]:
    """The same in pages."""
    newest_first = Ordering("-created_at", ("created_at", "id"))
    return page_of(_mine(actor), newest_first, cursor=cursor, limit=limit, build=tuple)


def get_token(actor: Actor, token_id: int) -> ApiToken:
    """One of the actor's own tokens. Raises NotFound, also when it is somebody else's."""
    token = _mine(actor).filter(pk=token_id).first()
    if token is None:
        raise NotFound(f"There is no token {token_id}.")
    return token


def _mine(actor: Actor) -> QuerySet[ApiToken, ApiToken]:
    return ApiToken.objects.filter(user=actor.user_id).prefetch_related("projects")
