"""What stands around one server on its page: rules, servers it may be mistaken for, earlier reinstalls."""

import re
from dataclasses import dataclass

from django.conf import settings

from reinstall.domain.actors import Actor
from reinstall.domain.secondperson import needs_second_person
from reinstall.models import Job, KmsKey, Membership, Server, SystemFlag
from reinstall.selectors.job_rows import COLUMNS, READ_AT, JobRow, job_rows
from reinstall.selectors.pages import Ordering, Page, page_of
from reinstall.selectors.servers import ServerView

HISTORY = 20
#: Names that are looked at, and that are shown, where many servers are called alike.
LOOKED_AT, NAMED = 200, 5
_NEWEST = Ordering("-created_at", ("created_at", "id"))
_NUMBER = re.compile(r"\d*")


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides whether, and by whom, a server may be reinstalled. role: viewer, requester, … or admin;
    frozen: why nothing is sent at present, "" normally."""

    environment: str
    role: str
    may_request: bool
    frozen: str
    frozen_by: str
    second_person: bool


@dataclass(frozen=True, slots=True)
class Similar:
    """Other servers of the project whose name differs in its last digits only. `more`: there may be others
    that were not looked at."""

    count: int = 0
    names: tuple[str, ...] = ()
    more: bool = False


def rules_of(actor: Actor, server: ServerView) -> Rules:
    """The rules for `server`, which the actor may see. Two queries."""
    environment = server.row.project_environment
    mine = Membership.objects.filter(user_id=actor.user_id or 0, project__slug=server.row.project_slug)
    role = "admin" if actor.sees_all else mine.values_list("role", flat=True).first() or ""
    freeze = SystemFlag.objects.filter(name="freeze").first()
    return Rules(
        environment=environment,
        role=role,
        may_request=server.may_request,
        frozen=(freeze.reason or "no reason given") if freeze else "",
        frozen_by=freeze.set_by if freeze else "",
        second_person=needs_second_person(settings.SECOND_PERSON, environment, in_doubt=True),
    )


def similar_servers(server: ServerView) -> Similar:
    """Servers that `server`, which the actor may see, is easily taken for. One query of LOOKED_AT names."""
    stem = server.row.name.rstrip("0123456789")
    if not stem:
        return Similar()
    alike = Server.objects.filter(
        project__slug=server.row.project_slug, gone_at=None, temporary=False, name__startswith=stem
    ).exclude(pk=server.row.id)
    # From the stem on, in the order of the index: what comes before is not read.
    rows = alike.filter(name__gte=stem).order_by("name", "id").values_list("name", flat=True)[:LOOKED_AT]
    read = list(rows)
    names = [name for name in read if name.startswith(stem) and _NUMBER.fullmatch(name[len(stem) :])]
    return Similar(len(names), tuple(names[:NAMED]), more=len(read) == LOOKED_AT)


def history_of(server: ServerView, *, cursor: str = "") -> Page[JobRow]:
    """Reinstalls of `server`, which the actor may see, the newest first."""
    return page_of(
        Job.objects.filter(server=server.row.id).values(*COLUMNS, **READ_AT),
        _NEWEST,
        cursor=cursor,
        limit=HISTORY,
        build=job_rows,
    )


def kms_aliases(server: ServerView) -> dict[str, str]:
    """KMS key -> its alias, of the keys that encrypt disks of `server`."""
    wanted = {disk.cmkid for disk in server.disks if disk.cmkid}
    if not wanted:
        return {}
    rows = KmsKey.objects.filter(project__slug=server.row.project_slug, key_id__in=wanted)
    return {key: alias for key, alias in rows.values_list("key_id", "alias") if alias}
