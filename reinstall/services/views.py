"""Keeps lists under a name, and forgets them: each person's own, seen by nobody else."""

from datetime import datetime

from django.db import IntegrityError, transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotFound, RuleBroken
from reinstall.domain.redaction import plain_text
from reinstall.models import SavedView
from reinstall.services import history

MAX_NAME, MAX_QUERY = 60, 1000
#: More tabs than these are a list nobody reads.
MAX_VIEWS = 20


def save_view(*, actor: Actor, now: datetime, page: str, name: str, query: str) -> SavedView:
    """Keeps `query` of the list `page` as the actor's view `name`.

    Raises RuleBroken naming name or query, Conflict where the name is taken or there are too many.
    """
    said = plain_text(name.strip(), MAX_NAME + 1)
    if not said:
        raise RuleBroken("Give the view a name.", "name", "required")
    if len(said) > MAX_NAME:
        raise RuleBroken(f"The name has at most {MAX_NAME} characters.", "name", "max_length")
    if len(query) > MAX_QUERY:
        raise RuleBroken(
            f"The filter is too long to be kept: at most {MAX_QUERY:,} characters.", "query", "max_length"
        )
    mine = SavedView.objects.filter(user_id=actor.user_id or 0, page=page)
    if mine.count() >= MAX_VIEWS:
        raise Conflict(f"You keep {MAX_VIEWS} views already. Delete one first.", code="too_many")
    try:
        with transaction.atomic():
            view = SavedView.objects.create(
                user_id=actor.user_id or 0, page=page, name=said, query=query, created_at=now
            )
            _record(actor, now, view, "view.saved")
    except IntegrityError:
        raise Conflict(f"You have a view {said} already. Take another name.", code="taken") from None
    return view


def delete_view(*, actor: Actor, now: datetime, view_id: int) -> SavedView:
    """Forgets a view of the actor's. Raises NotFound, also where it is somebody else's."""
    with transaction.atomic():
        view = SavedView.objects.filter(pk=view_id, user_id=actor.user_id or 0).first()
        if view is None:
            raise NotFound(f"There is no view {view_id}.")
        _record(actor, now, view, "view.deleted")
        SavedView.objects.filter(pk=view.pk).delete()
    return view


def _record(actor: Actor, now: datetime, view: SavedView, action: str) -> None:
    facts = {"page": view.page, "query": view.query}
    saved = action == "view.saved"
    act = history.Act(
        action=action,
        object_type="view",
        object_id=str(view.pk),
        object_label=view.name,
        before={} if saved else facts,
        after=facts if saved else {},
    )
    history.record(actor=actor, now=now, act=act)
