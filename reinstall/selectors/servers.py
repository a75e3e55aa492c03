"""Servers as lists and pages show them: what the cloud last said, what a reinstall does to the disks."""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.protection import TAG, tagged
from reinstall.domain.server_search import Token, last_token, parse
from reinstall.domain.states import JobState
from reinstall.models import Disk, Job, Project, Server
from reinstall.models.clock import database_now
from reinstall.selectors.job_rows import JobRow, rows_of_server
from reinstall.selectors.pages import Page, capped_count, ordering_of, page_of
from reinstall.selectors.projects import in_projects, may_request
from reinstall.selectors.server_rows import COLUMNS, STATES, STATUS_OF, JobBrief, ServerRow, server_rows

__all__ = [
    "DiskView",
    "JobBrief",
    "ServerFilters",
    "ServerRow",
    "ServerView",
    "count_servers",
    "filtered_servers",
    "get_server",
    "server_page",
]

#: Public name of an ordering -> columns, the last one unique.
ORDERINGS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "id"),
    "status": ("status", "id"),
    "image": ("image_name", "id"),
    "flavor": ("flavor", "id"),
    "seen_at": ("seen_at", "id"),
}
HISTORY = 20


@dataclass(frozen=True, slots=True)
class ServerFilters:
    """What a list is narrowed to; "" is no filter. `status` is of STATES, `tag` is "key=value" or "key",
    `last` of domain.server_search.LAST, `protected` yes or no."""

    q: str = ""
    project: str = ""
    status: str = ""
    tag: str = ""
    image: str = ""
    last: str = ""
    protected: str = ""
    ordering: str = "name"


@dataclass(frozen=True, slots=True)
class DiskView:
    """A disk and what a reinstall does to it: `fate` is wiped for the system disk, kept for every other."""

    volume_id: str
    device: str
    size_gb: int | None
    role: str
    fate: str
    name: str
    volume_type: str
    encrypted: bool
    cmkid: str
    shareable: bool
    #: Snapshots of it at the cloud; None where the cloud did not tell.
    snapshots: int | None


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server with everything the portal knows of it."""

    row: ServerRow
    project_name: str
    image_id: str
    os_type: str
    vcpus: int | None
    ram_mb: int | None
    zone: str
    keyname: str
    userid: str
    locked: bool
    task_state: str
    addresses: tuple[str, ...]
    created_at: datetime | None
    gone_at: datetime | None
    disks: tuple[DiskView, ...]
    history: tuple[JobRow, ...]
    #: Why a person protected it, "" where nobody did; `tag_protected` where the cloud's tag does.
    protected_reason: str
    protected_by: str
    protected_at: datetime | None
    tag_protected: bool
    may_request: bool


def server_page(
    actor: Actor, filters: ServerFilters, *, cursor: str = "", limit: int = 50
) -> Page[ServerRow]:
    """Servers as filtered. Without a status, those that are gone are left out."""
    ordering = ordering_of(filters.ordering or "name", ORDERINGS)
    return page_of(
        filtered_servers(actor, filters).values(*COLUMNS),
        ordering,
        cursor=cursor,
        limit=limit,
        build=lambda found: server_rows(actor, found),
    )


def count_servers(actor: Actor, filters: ServerFilters) -> int:
    """How many servers the filters leave; 10,001 means "over 10,000"."""
    return capped_count(filtered_servers(actor, filters))


def get_server(actor: Actor, server_id: uuid.UUID) -> ServerView:
    """One server, gone ones too. Raises NotFound, also when it is not theirs."""
    visible = Project.objects.visible_to(actor).values("pk")
    server = Server.objects.filter(pk=server_id, project__in=visible).select_related("project").first()
    if server is None:
        raise NotFound(f"There is no server {server_id}.")
    facts = {name: _attribute(server, name) for name in COLUMNS}
    [row] = server_rows(actor, [facts])
    return ServerView(
        row=row,
        project_name=server.project.name,
        image_id=server.image_id,
        os_type=server.os_type,
        vcpus=server.vcpus,
        ram_mb=server.ram_mb,
        zone=server.zone,
        keyname=server.keyname,
        userid=server.userid,
        locked=server.locked,
        task_state=server.task_state,
        addresses=tuple(server.addresses),
        created_at=server.created_at,
        gone_at=server.gone_at,
        disks=tuple(_disk_view(disk) for disk in _system_first(server.disks.all())),
        history=rows_of_server(server.pk, HISTORY),
        protected_reason=server.protected_reason,
        protected_by=server.protected_by_name,
        protected_at=server.protected_at,
        tag_protected=tagged(server.tags),
        may_request=may_request(actor, server.project),
    )


def _attribute(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
    return row


def filtered_servers(actor: Actor, filters: ServerFilters) -> QuerySet[Server, Server]:
    """The servers the person may see that match, in no order."""
    rows = in_projects(Server.objects.all(), actor, filters.project)
    words, tokens = parse(filters.q, STATES)
    states = [token.value for token in tokens if token.kind == "is" and token.value != "protected"]
    rows = rows.filter(_status_filter(filters.status or next(iter(states), "")))
    for state in states:
        rows = rows.filter(_status_filter(state))
    for word in words:
        rows = rows.filter(search__contains=word)
    for token in tokens:
        rows = _by_token(rows, token)
    if filters.image:
        rows = rows.filter(Q(image_name=filters.image) | Q(image_id=filters.image))
    if filters.last:
        rows = _by_token(rows, last_token(filters.last))
    if filters.protected:
        rows = rows.filter(_protected() if _wants_protected(filters.protected) else ~_protected())
    return _tagged(rows, filters.tag) if filters.tag else rows


def _wants_protected(asked: str) -> bool:
    if asked not in ("yes", "no"):
        raise RuleBroken(f"protected is yes or no, not {asked}.", "protected", "choice")
    return asked == "yes"


def _protected() -> Q:
    return ~Q(protected_reason="") | Q(pk__in=_tagged(Server.objects.all(), TAG).values("pk"))


def _by_token(rows: QuerySet[Server, Server], token: Token) -> QuerySet[Server, Server]:
    jobs = Job.objects.filter(server=OuterRef("pk"))
    if token.kind == "tag":
        return _tagged(rows, token.value)
    if token.kind == "image":
        return rows.filter(Q(image_name__icontains=token.value) | Q(image_id=token.value))
    if token.kind == "older":
        since = database_now() - timedelta(days=int(token.value))
        return rows.filter(Exists(jobs), ~Exists(jobs.filter(created_at__gte=since)))
    if token.kind == "last" and token.value == "never":
        return rows.filter(~Exists(jobs))
    if token.kind == "last":
        newest = jobs.order_by("-created_at", "-id").values("state")[:1]
        return rows.annotate(newest=Subquery(newest)).filter(newest=JobState.FAILED)
    if token.value == "protected":
        return rows.filter(_protected())
    return rows


def _status_filter(status: str) -> Q:
    if not status:
        return Q(gone_at=None)
    if status not in STATES:
        raise RuleBroken(f"There is no status {status}. Known: {', '.join(STATES)}.", "status", "choice")
    if status == "gone":
        return Q(gone_at__isnull=False)
    here = Q(gone_at=None)
    if status == "temporary":
        return here & Q(temporary=True)
    here &= Q(temporary=False)
    reinstalling = Q(status="REBUILD") | Q(pk__in=_being_rebuilt())
    if status == "reinstalling":
        return here & reinstalling
    here &= ~reinstalling
    if status == "other":
        return here & ~Q(status__in=STATUS_OF.values())
    return here & Q(status=STATUS_OF[status])


def _being_rebuilt() -> QuerySet[Job, Any]:
    # All projects, said out loud: the index by project and state answers, and no other job is read.
    every = Project.objects.values("pk")
    return Job.objects.filter(project__in=every, state=JobState.RUNNING).values("server")


def _tagged(rows: QuerySet[Server, Server], tag: str) -> QuerySet[Server, Server]:
    """Tags are a JSON list; looked through as text, since SQLite knows no "contains" for JSON."""
    rows = rows.annotate(tags_text=Cast("tags", TextField()))
    wanted = Q()
    for written in {json.dumps(tag), json.dumps(tag, ensure_ascii=False)}:
        wanted |= Q(tags_text__contains=written)
        if "=" not in tag:
            wanted |= Q(tags_text__contains=f"{written[:-1]}=")
    return rows.filter(wanted)


def _system_first(disks: Iterable[Disk]) -> list[Disk]:
    return sorted(disks, key=lambda disk: (not disk.is_system, disk.device, disk.volume_id))


def _disk_view(disk: Disk) -> DiskView:
    return DiskView(
        volume_id=disk.volume_id,
        device=disk.device,
        size_gb=disk.size_gb,
        role="system" if disk.is_system else "data",
        fate="wiped" if disk.is_system else "kept",
        name=disk.name,
        volume_type=disk.volume_type,
        encrypted=disk.encrypted,
        cmkid=disk.cmkid,
        shareable=disk.shareable,
        snapshots=disk.snapshots,
    )
