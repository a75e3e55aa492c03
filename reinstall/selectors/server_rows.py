"""Rows of server lists: facts, disks and jobs of a whole page read together, whatever its length."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from reinstall.domain import verdicts
from reinstall.domain.actors import Actor
from reinstall.domain.looks import look_of
from reinstall.domain.protection import protection_of
from reinstall.domain.states import ACTIVE, UNCLEAR, JobState
from reinstall.domain.verdicts import ImageState
from reinstall.models import Disk, Job, Server
from reinstall.selectors.images import image_states
from reinstall.selectors.projects import requestable_ids

#: State word -> the cloud's status, where one word of the cloud says it.
STATUS_OF = {"running": "ACTIVE", "stopped": "SHUTOFF", "error": "ERROR"}
STATES = ("running", "stopped", "reinstalling", "temporary", "gone", "error", "other")
#: Code of a verdict on an image -> the state of a row's image.
STATE_OF_IMAGE = {"image_gone": "gone", "image_withdrawn": "withdrawn", "image_state": "inactive"}
#: What `server_rows` needs to know of each server, as `values()` names it.
COLUMNS = (
    *("id", "name", "project_id", "project__slug", "project__name", "project__environment"),
    *("project__synced_at", "status", "task_state", "image_id", "image_name", "flavor", "addresses", "tags"),
    *("temporary", "locked", "protected_reason", "protected_by_name", "seen_at", "gone_at"),
    *("zone", "keyname", "created_at"),
)


@dataclass(frozen=True, slots=True)
class JobBrief:
    """A job in a cell: number, state, since when, and whether its request has gone out."""

    id: int
    state: str
    when: datetime
    sent: bool = False


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One server of a list. Sizes in GB; `why_not` is "" when it can be reinstalled, else a sentence."""

    id: uuid.UUID
    name: str
    project_slug: str
    project_environment: str
    status: str
    state: str
    image_name: str
    flavor: str
    system_gb: int | None
    data_disks: int
    address: str
    tags: tuple[str, ...]
    seen_at: datetime
    synced_at: datetime | None
    last_job: JobBrief | None
    active_job: JobBrief | None
    why_not: str
    zone: str
    keyname: str
    created_at: datetime | None
    #: What is wrong with the image it was made from: "", withdrawn (a public one that is not offered any
    #: more), gone, or inactive.
    image_state: str


def server_rows(actor: Actor, found: Sequence[Mapping[str, Any]]) -> tuple[ServerRow, ...]:
    """The rows of `found`, in their order: five queries, or none for an empty page."""
    ids = [facts["id"] for facts in found]
    allowed = requestable_ids(actor)
    disks = _disk_sums(ids)
    latest = _latest_jobs(ids)
    images = _image_states(found)
    return tuple(
        _row(
            facts,
            disks.get(facts["id"], (None, 0, False)),
            latest.get(facts["id"]),
            allowed,
            images.get(facts["id"], ""),
        )
        for facts in found
    )


def _image_states(found: Sequence[Mapping[str, Any]]) -> dict[uuid.UUID, str]:
    """Server -> what is wrong with the image it was made from, "" where nothing is known to be."""
    states = {}
    for server, image in image_states(found).items():
        if image is not None:
            known = ImageState(image.name, image.status, image.image_type, gone=image.gone_at is not None)
            states[server] = STATE_OF_IMAGE.get(verdicts.image("", image.image_id, known).code, "")
    return states


def _disk_sums(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int | None, int, bool]]:
    """Server -> (GB of the system disk, number of other disks, whether a system disk is known)."""
    sums: dict[uuid.UUID, tuple[int | None, int, bool]] = {}
    # Sums need no order; the model's own would join every server and sort.
    found = Disk.objects.filter(server__in=ids).order_by()
    for server, size, boot_index in found.values_list("server_id", "size_gb", "boot_index"):
        system_gb, others, known = sums.get(server, (None, 0, False))
        sums[server] = (size, others, True) if boot_index == 0 else (system_gb, others + 1, known)
    return sums


def _latest_jobs(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, JobBrief]:
    newest = Job.objects.filter(server=OuterRef("pk")).order_by("-created_at", "-id").values("pk")[:1]
    keys = Server.objects.filter(pk__in=ids).annotate(newest=Subquery(newest)).values("newest")
    found = Job.objects.filter(pk__in=keys).order_by()
    columns = found.values_list("server_id", "id", "state", "state_since", "sent_at")
    return {
        server: JobBrief(key, state, when, sent is not None) for server, key, state, when, sent in columns
    }


def _row(
    facts: Mapping[str, Any],
    disks: tuple[int | None, int, bool],
    last: JobBrief | None,
    allowed: frozenset[int] | None,
    image_state: str,
) -> ServerRow:
    active = last if last is not None and last.state in ACTIVE else None
    return ServerRow(
        id=facts["id"],
        name=facts["name"],
        project_slug=facts["project__slug"],
        project_environment=facts["project__environment"],
        status=facts["status"],
        state=_state_of(facts, active),
        image_name=facts["image_name"],
        flavor=facts["flavor"],
        system_gb=disks[0],
        data_disks=disks[1],
        address=next(iter(facts["addresses"]), ""),
        tags=tuple(facts["tags"]),
        seen_at=facts["seen_at"],
        synced_at=facts["project__synced_at"],
        last_job=last,
        active_job=active,
        why_not=_why_not(facts, disks[2], active, allowed),
        zone=facts["zone"],
        keyname=facts["keyname"],
        created_at=facts["created_at"],
        image_state=image_state,
    )


def _state_of(facts: Mapping[str, Any], active: JobBrief | None) -> str:
    if facts["gone_at"] is not None:
        return "gone"
    if facts["temporary"]:
        return "temporary"
    if facts["status"] == "REBUILD" or (active is not None and active.state == JobState.RUNNING):
        return "reinstalling"
    return next((word for word, status in STATUS_OF.items() if status == facts["status"]), "other")


def _held(name: str, job: JobBrief) -> str:
    if job.state in UNCLEAR:
        word = "Outcome unknown" if job.sent else look_of("job", job.state).word
        return f"{word}, held by #{job.id}. It stays locked until that is settled."
    return f"Job #{job.id} holds {name}."


def _why_not(
    facts: Mapping[str, Any], has_system: bool, active: JobBrief | None, allowed: frozenset[int] | None
) -> str:
    """In the order in which people can do something about it."""
    name = facts["name"]
    protected = protection_of(name, facts["tags"], facts["protected_reason"], facts["protected_by_name"])
    reasons = (
        (facts["gone_at"] is not None, f"{name} was not at the cloud any more at the last sync."),
        (facts["temporary"], f"{name} is a temporary helper of a running reinstall; it vanishes by itself."),
        (active is not None, _held(name, active) if active else ""),
        (
            allowed is not None and facts["project_id"] not in allowed,
            f"You may look at {facts['project__name']}, but reinstalls need the role requester there.",
        ),
        (bool(protected), protected),
        (facts["locked"], f"{name} is locked at the cloud. Unlock it there first."),
        (not has_system, f"{name} has no system disk that is known here."),
    )
    return next((sentence for holds, sentence in reasons if holds), "")
