"""A form that was sent before its person had proved who they are: kept sealed, shown again, not carried out.

It waits in the session of the person who sent it, for the whole address it was sent to: a selection is in it.
"""

import base64
from datetime import datetime, timedelta

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from reinstall.domain.sealing import CannotOpen
from reinstall.services import vault

KEPT_FOR = timedelta(minutes=30)
_KEPT = "kept_form"
#: What is typed anew: the confirmation belongs to the moment, and no secret is sent back to a browser.
_SECRETS = {"adminpass", "password", "secret_key", "security_token"}
LEFT_OUT = _SECRETS | {"csrfmiddlewaretoken", "confirm", "user_data_file"}
#: Names of the addresses that show a kept form again (reinstall.web.stale).
COME_BACK = frozenset(
    {
        "approval-decide",
        "reinstall",
        "reinstall-many",
        "cloud-new",
        "cloud",
        "cloud-credentials",
        "job-settle",
        "job-second",
        "tokens",
        "preset-new",
        "preset-change",
        "freeze",
        "breaker-close",
    }
)


def keep_form(request: HttpRequest) -> None:
    """Keeps what was typed, without its secrets, in place of a form kept before."""
    typed = {name: values for name, values in request.POST.lists() if name.rpartition(".")[2] not in LEFT_OUT}
    sealed = vault.seal_record(typed, place=_place(request.user.pk, request.get_full_path()))
    request.session[_KEPT] = {
        "address": request.get_full_path(),
        "until": (timezone.now() + KEPT_FOR).isoformat(),
        "sealed": base64.b64encode(sealed).decode(),
    }


def kept_form(request: HttpRequest) -> QueryDict | None:
    """What this person sent to this address, for half an hour; None for any other."""
    kept = request.session.get(_KEPT)
    if kept is None or kept["address"] != request.get_full_path():
        return None
    if timezone.now() > datetime.fromisoformat(kept["until"]):
        return None
    try:
        sealed = base64.b64decode(kept["sealed"])
        typed = vault.open_record(sealed, place=_place(request.user.pk, request.get_full_path()))
    except CannotOpen:
        # Its key is gone, or the session is somebody else's now: better an empty form than none.
        return None
    form = QueryDict(mutable=True)
    for name, values in typed.items():
        form.setlist(name, values)
    return form


def waits(request: HttpRequest) -> bool:
    """Whether a form waits for its person."""
    return _KEPT in request.session


def let_go(request: HttpRequest) -> None:
    """The form was sent again."""
    if _KEPT in request.session:
        del request.session[_KEPT]


def _place(person: int | None, address: str) -> str:
    return f"session:form:{person}:{address}"
