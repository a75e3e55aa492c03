"""Rows made directly, for tests of reading: no cloud is asked and no rule is looked at."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from reinstall.domain.actors import Actor, Source
from reinstall.domain.states import ACTIVE, JobState
from reinstall.models import (
    Approval,
    AuditEvent,
    Cloud,
    Disk,
    Image,
    Job,
    KeyPair,
    KmsKey,
    Membership,
    Order,
    Preset,
    Project,
    Server,
)
from reinstall.services import chain

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_numbers = itertools.count(1)


def a_project(slug: str = "shop", **changes: Any) -> Project:
    cloud, _ = Cloud.objects.get_or_create(
        profile="otc", region="eu-de", endpoints={}, defaults={"created_at": T0}
    )
    values: dict[str, Any] = {
        "slug": slug,
        "name": slug,
        "environment": "staging",
        "cloud": cloud,
        "project_id": uuid.uuid4().hex,
        "credential_kind": "aksk",
        "credentials_sealed": b"sealed",
        "created_at": T0,
    }
    return Project.objects.create(**(values | changes))


def a_person(name: str = "bob", *projects: Project, role: str = "requester", **changes: Any) -> User:
    person = User.objects.create_user(name, **changes)
    for project in projects:
        Membership.objects.create(user=person, project=project, role=role)
    return person


def an_actor(person: User, **changes: Any) -> Actor:
    values: dict[str, Any] = {
        "user_id": person.pk,
        "name": person.username,
        "source": Source.BROWSER,
        "sees_all": person.is_superuser,
        "second_factor": True,
        "proved_at": timezone.now(),
    }
    return Actor(**(values | changes))


def an_approval(order: Order, **changes: Any) -> Approval:
    """Of an order; open unless `changes` say otherwise."""
    values: dict[str, Any] = {
        "order": order,
        "project": order.project,
        "request_hash": order.request_hash,
        "requested_by": order.requested_by,
        "asked_at": order.created_at,
        "expires_at": order.created_at + timedelta(days=1),
    }
    return Approval.objects.create(**(values | changes))


def a_server(project: Project, name: str = "", *, data_disks: int = 1, **changes: Any) -> Server:
    key = uuid.uuid4()
    name = name or f"web-{next(_numbers):04}"
    values: dict[str, Any] = {
        "id": key,
        "project": project,
        "name": name,
        "status": "ACTIVE",
        "image_name": "Debian 12",
        "image_id": "image-1",
        "flavor": "s3.large.2",
        "addresses": ["10.0.0.1"],
        "tags": ["tier=web"],
        "search": f"{name} {key} 10.0.0.1".lower(),
        "seen_at": T0,
    }
    server = Server.objects.create(**(values | changes))
    for number in range(data_disks + 1):
        Disk.objects.create(
            server=server,
            volume_id=str(uuid.uuid4()),
            device=f"/dev/vd{'abcdefgh'[number]}",
            size_gb=40 + number,
            boot_index=number if number == 0 else None,
        )
    return server


def an_order(project: Project, person: User, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "project": project,
        "requested_by": person,
        "requested_by_name": person.username,
        "source": "browser",
        "reason": "OPS-1",
        "submission_id": uuid.uuid4(),
        "keyname": "ops",
        "userid": "7e25b1da389f4697a79df3a0e5bd494e",
        "request_hash": "0" * 64,
        "created_at": T0,
    }
    return Order.objects.create(**(values | changes))


def a_job(order: Order, server: Server, state: JobState = JobState.QUEUED, **changes: Any) -> Job:
    """A job as it may stand in `state`; the columns the database demands for it are filled."""
    values: dict[str, Any] = {
        "order": order,
        "project": order.project,
        "server": server,
        "server_name": server.name,
        "state": state,
        "state_since": T0,
        "seq": 1,
        "request_hash": "0" * 64,
        "lease_until": T0,
        "created_at": order.created_at,
        "cloud_job_id": "c0ffee00c0ffee00" if state == JobState.RUNNING else "",
        "ended_at": None if state in ACTIVE else T0 + timedelta(minutes=3),
    }
    return Job.objects.create(**(values | changes))


def an_event(**changes: Any) -> AuditEvent:
    """An entry of the audit history, in its place in the chain; `changes` are columns."""
    values: dict[str, Any] = {
        "at": T0,
        "actor_name": "bob",
        "source": "browser",
        "action": "order.placed",
        "object_type": "order",
        "object_id": "1",
    }
    entry = AuditEvent(**(values | changes))
    with transaction.atomic():
        chain.append([entry])
    return entry


def an_entry(job: Job, state: JobState, seq: int, at: datetime, note: str = "") -> AuditEvent:
    """The audit entry of a move of `job`."""
    return an_event(
        at=at,
        actor_name="engine",
        source="system",
        request_id="r-1",
        action=f"job.{state}",
        object_type="job",
        object_id=str(job.pk),
        object_label=str(job),
        project_slug=job.project.slug,
        note=note,
        seq=seq,
    )


def a_key_pair(project: Project, name: str = "", **changes: Any) -> KeyPair:
    values: dict[str, Any] = {
        "project": project,
        "name": name or f"key-{next(_numbers):04}",
        "userid": "7e25b1da389f4697a79df3a0e5bd494e",
        "seen_at": T0,
    }
    return KeyPair.objects.create(**(values | changes))


def a_preset(project: Project, slug: str = "", **says: Any) -> Preset:
    """A preset with its version 1; `says` are columns of the version."""
    slug = slug or f"preset-{next(_numbers):04}"
    preset = Preset.objects.create(
        project=project, slug=slug, name=slug, created_at=T0, created_by_name="bob"
    )
    values: dict[str, Any] = {"number": 1, "created_at": T0, "created_by_name": "bob"}
    preset.versions.create(**(values | says))
    return preset


def an_image(project: Project, **changes: Any) -> Image:
    values: dict[str, Any] = {
        "project": project,
        "image_id": str(uuid.uuid4()),
        "name": f"image-{next(_numbers):04}",
        "status": "active",
        "image_type": "gold",
        "seen_at": T0,
    }
    return Image.objects.create(**(values | changes))


def a_kms_key(project: Project, **changes: Any) -> KmsKey:
    values: dict[str, Any] = {
        "project": project,
        "key_id": str(uuid.uuid4()),
        "alias": f"key-{next(_numbers):04}",
        "state": 2,
        "seen_at": T0,
    }
    return KmsKey.objects.create(**(values | changes))
