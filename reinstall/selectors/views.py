"""Lists a person keeps under a name."""

from dataclasses import dataclass

from reinstall.domain.actors import Actor
from reinstall.models import SavedView


@dataclass(frozen=True, slots=True)
class ViewTab:
    """A kept list: `query` is the query string that brings it back."""

    id: int
    name: str
    query: str


def saved_views(actor: Actor, page: str) -> tuple[ViewTab, ...]:
    """The actor's own views of the list `page`, by name."""
    rows = SavedView.objects.filter(user_id=actor.user_id or 0, page=page).order_by("name")
    return tuple(ViewTab(*row) for row in rows.values_list("id", "name", "query"))
