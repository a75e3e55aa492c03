"""What a filled-in reinstall form would send, or what stands in its way; for one server and for many."""

from dataclasses import dataclass

from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.domain.errors import FieldError, RuleBroken
from reinstall.services.orders import OrderRequest, Preview, preview_incomplete, preview_order
from reinstall.web.forms import ReinstallForm


@dataclass(frozen=True, slots=True)
class Looked:
    """How a request came out before it is placed: a preview, and what still stands in its way.

    holder: the job that has the server, when that is why the order was not placed.
    """

    preview: Preview | None
    problems: tuple[FieldError, ...]
    holder: int | None = None


#: Field of the form -> the fields of a request it stands for.
STANDS_FOR = {
    "login": ("keyname", "userid", "adminpass"),
    "user_data_source": ("user_data",),
    "user_data_file": ("user_data",),
}


def look(actor: Actor, form: ReinstallForm, asked: OrderRequest) -> Looked:
    """What would be sent; while something is missing or wrong, the checks that do not rest on it."""
    problems, now = form.unread, timezone.now()
    try:
        preview = preview_order(actor=actor, now=now, request=asked)
    except RuleBroken as broken:
        known = {error.message for error in form.unread}
        refused = {error.field for error in broken.errors}
        problems += tuple(e for e in form.beside(broken.errors) if e.message not in known)
        if "servers" in refused:
            return Looked(None, problems)
    else:
        refused = set()
    if not problems:
        return Looked(preview, ())
    for error in form.unread:
        refused |= {error.field, *STANDS_FOR.get(error.field, ())}
    return Looked(preview_incomplete(actor=actor, now=now, request=asked, refused=refused), problems)
