"""The once-only key of a form: a double click, the back button and a resent POST all carry the same one."""

import uuid
from typing import Any

from django.core import signing
from django.http import HttpRequest

MAX_AGE_S = 2 * 3600
_SALT = "reinstall.once"
_REVIEW = "reinstall.review"


def new_once(request: HttpRequest, server_id: uuid.UUID) -> str:
    """A signed key for one submission by this person, in this session, for this server."""
    made = {"submission": str(uuid.uuid4()), **_bound_to(request, server_id)}
    return signing.dumps(made, salt=_SALT)


def seal_review(facts: dict[str, object]) -> str:
    """What the page shows of a server, signed: the form brings it back."""
    return signing.dumps(facts, salt=_REVIEW, compress=True)


def review_in(text: str) -> dict[str, object]:
    """What `seal_review` made; {} for anything else."""
    try:
        facts: dict[str, object] = signing.loads(text, salt=_REVIEW, max_age=MAX_AGE_S)
    except signing.BadSignature:
        return {}
    return facts


def submission_of(request: HttpRequest, server_id: uuid.UUID, key: str) -> uuid.UUID | None:
    """The submission a key stands for; None when it is older than two hours, or somebody else's."""
    made = _made(key)
    if made is None:
        return None
    submission = uuid.UUID(made.pop("submission"))
    return submission if made == _bound_to(request, server_id) else None


def person_of(server_id: uuid.UUID, key: str) -> int | None:
    """Whose form the key was made for, whatever became of their session; None when it is old or no key."""
    made = _made(key)
    return int(made["user"]) if made is not None and made["server"] == str(server_id) else None


def _made(key: str) -> dict[str, Any] | None:
    """What the key says; None when it is older than two hours, or none of ours."""
    try:
        made: dict[str, Any] = signing.loads(key, salt=_SALT, max_age=MAX_AGE_S)
    except signing.BadSignature:
        return None
    return made


def _bound_to(request: HttpRequest, server_id: uuid.UUID) -> dict[str, object]:
    return {"user": request.user.pk, "session": request.session.session_key, "server": str(server_id)}
