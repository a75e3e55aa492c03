"""Protects servers from being reinstalled, and lifts that again: with a reason, written down."""

import uuid
from datetime import datetime

from django.db import transaction

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotFound, RuleBroken
from reinstall.domain.protection import protection_of
from reinstall.domain.redaction import plain_text
from reinstall.models import Project, Server
from reinstall.services import access, history, proof

MAX_REASON = 500


def sentence_of(server: Server) -> str:
    """Why `server` must not be reinstalled, as it was read; "" where it is not protected."""
    return protection_of(server.name, server.tags, server.protected_reason, server.protected_by_name)


def now_protected(server_id: uuid.UUID) -> str:
    """As `sentence_of`, read anew: a protection set a moment ago counts."""
    server = Server.objects.filter(pk=server_id).first()
    return sentence_of(server) if server is not None else ""


def protect_server(*, actor: Actor, now: datetime, server_id: uuid.UUID, reason: str) -> Server:
    """Nobody can reinstall the server from now on; what has been sent goes on.

    Raises RuleBroken naming reason, Conflict where it is protected already, NotFound, NotAllowed.
    """
    server, said = _asked(actor, server_id, reason, "Say why: a reason is shown to whoever is stopped by it.")
    changes = {"protected_reason": said, "protected_by_name": actor.name, "protected_at": now}
    with transaction.atomic():
        if not Server.objects.filter(pk=server.pk, protected_reason="").update(**changes):
            raise Conflict(f"{server.name} is protected already.", code="protected")
        _record(actor, now, server, "server.protected", said)
    server.refresh_from_db()
    return server


def unprotect_server(*, actor: Actor, now: datetime, server_id: uuid.UUID, reason: str) -> Server:
    """Lifts what `protect_server` set; a tag of the cloud stays.

    Raises RuleBroken naming reason, Conflict where nothing is to be lifted, NotFound, NotAllowed.
    """
    server, said = _asked(actor, server_id, reason, "Say why the protection is not needed any more.")
    changes = {"protected_reason": "", "protected_by_name": "", "protected_at": None}
    with transaction.atomic():
        if not Server.objects.filter(pk=server.pk).exclude(protected_reason="").update(**changes):
            tag = sentence_of(Server.objects.get(pk=server.pk))
            raise Conflict(tag or f"{server.name} is not protected.", code="not_protected")
        _record(actor, now, server, "server.unprotected", said)
    server.refresh_from_db()
    return server


def _asked(actor: Actor, server_id: uuid.UUID, reason: str, missing: str) -> tuple[Server, str]:
    """The server and the reason as it is kept."""
    visible = Project.objects.visible_to(actor).values("pk")
    server = Server.objects.filter(pk=server_id, project__in=visible).select_related("project").first()
    if server is None:
        raise NotFound(f"There is no server {server_id}.")
    access.project_for_requests(actor, server.project.slug)
    proof.must_have_second_factor(actor, server.project)
    said = plain_text(reason.strip(), MAX_REASON + 1)
    if not said:
        raise RuleBroken(missing, "reason", "required")
    if len(said) > MAX_REASON:
        raise RuleBroken(f"The reason has at most {MAX_REASON} characters.", "reason", "max_length")
    return server, said


def _record(actor: Actor, now: datetime, server: Server, action: str, reason: str) -> None:
    protected = action == "server.protected"
    before = {} if protected else {"reason": server.protected_reason, "by": server.protected_by_name}
    act = history.Act(
        action=action,
        object_type="server",
        object_id=str(server.pk),
        object_label=server.name,
        project_slug=server.project.slug,
        before=before,
        after={"reason": reason, "by": actor.name} if protected else {},
        note=reason,
    )
    history.record(actor=actor, now=now, act=act)
