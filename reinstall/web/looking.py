"""What a filled-in reinstall form would send, or what stands in its way; for one server and for many."""

from dataclasses import dataclass

from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.domain.errors import FieldError, RuleBroken
from reinstall.services.orders import OrderRequest, Preview, preview_order
from reinstall.web.forms import ReinstallForm


@dataclass(frozen=True, slots=True)
class Looked:
    """How a request came out before it is placed: a preview, or what still stands in its way.

    holder: the job that has the server, when that is why the order was not placed.
    """

    preview: Preview | None
    problems: tuple[FieldError, ...]
    holder: int | None = None


def look(actor: Actor, form: ReinstallForm, asked: OrderRequest) -> Looked:
    """What would be sent; nothing is shown for a form with a value that could not be read."""
    try:
        preview = preview_order(actor=actor, now=timezone.now(), request=asked)
    except RuleBroken as broken:
        known = {error.message for error in form.unread}
        return Looked(
            None, form.unread + tuple(e for e in form.beside(broken.errors) if e.message not in known)
        )
    return Looked(None, form.unread) if form.unread else Looked(preview, ())
