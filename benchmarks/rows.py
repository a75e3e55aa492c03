"""Fills a database with many servers and finished jobs, as years of use would. Runs inside Django."""

import itertools
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, Model, OuterRef

from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Cloud, Disk, Job, Order, Project, Server
from reinstall.models.clock import database_now
from reinstall.services import chain

BATCH = 2000
#: How often jobs end how.
ENDS = {JobState.SUCCEEDED: 96, JobState.FAILED: 2, JobState.REJECTED: 2}


def fill(*, servers: int, jobs: int) -> None:
    """Writes `servers` servers with two disks each, and `jobs` finished jobs."""
    now = database_now()
    project = _project(now)
    placed = [_server(project, number, now) for number in range(servers)]
    _store(Server, iter(placed))
    _store(Disk, (disk for server in placed for disk in _disks(server)))
    user = User.objects.get()
    finished = itertools.cycle(placed)
    ends = iter(random.Random(1).choices(list(ENDS), list(ENDS.values()), k=jobs))
    left = jobs
    while left > 0:
        order = an_order(project, user, now - timedelta(seconds=left))
        count = min(left, servers)
        _store(Job, (_job(order, next(finished), place, next(ends)) for place in range(count)))
        _record([_entry(order, place) for place in range(count)])
        left -= count
    _mark_handled()


def add_due(count: int) -> None:
    """Adds `count` jobs the engine must find among all the finished ones."""
    now = database_now()
    order = an_order(Project.objects.get(), User.objects.get(), now)
    _store(Job, (_due(order, server) for server in Server.objects.order_by("name")[:count]))


def _store(model: type[Model], rows: Iterator[Model]) -> None:
    while batch := list(itertools.islice(rows, BATCH)):
        model._default_manager.bulk_create(batch)


def _record(entries: list[AuditEvent]) -> None:
    with transaction.atomic():
        chain.append(entries)


def _project(now: datetime) -> Project:
    cloud = Cloud.objects.create(profile="huawei", region="sim-1", created_at=now)
    return Project.objects.create(
        slug="shop-prod",
        name="shop-prod",
        environment="production",
        cloud=cloud,
        project_id="0" * 32,
        credential_kind="aksk",
        credentials_sealed=b"-",
        synced_at=now,
        created_at=now,
    )


def _server(project: Project, number: int, now: datetime) -> Server:
    key, name = uuid.uuid4(), f"web-{number:06d}"
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return Server(
        id=key,
        project=project,
        name=name,
        status="ACTIVE" if number % 5 else "SHUTOFF",
        image_name="Standard_Debian_12_latest",
        flavor="s6.large.2",
        vcpus=2,
        ram_mb=4096,
        zone="sim-1a",
        keyname="ops-2025",
        userid="0" * 32,
        tags=["team=shop", "env=prod"],
        addresses=[address],
        search=f"{name} {key} {address}",
        created_at=now,
        seen_at=now,
    )


def _disks(server: Server) -> Iterator[Disk]:
    for index, device in enumerate(("/dev/vda", "/dev/vdb")):
        yield Disk(
            server=server, volume_id=str(uuid.uuid4()), device=device, size_gb=40, boot_index=index or 0
        )


def an_order(project: Project, user: User, at: datetime) -> Order:
    return Order.objects.create(
        project=project,
        requested_by=user,
        requested_by_name=user.username,
        source="browser",
        reason="OPS-4417",
        submission_id=uuid.uuid4(),
        request_hash="0" * 64,
        created_at=at,
    )


def _job(order: Order, server: Server, place: int, end: JobState) -> Job:
    at = order.created_at
    return Job(
        order=order,
        project=order.project,
        server=server,
        server_name=server.name,
        position=place,
        state=end,
        state_since=at,
        seq=5,
        request_hash="0" * 64,
        cloud_job_id=uuid.uuid4().hex,
        sent_at=at,
        accepted_at=at,
        lease_until=at,
        created_at=at,
        ended_at=at,
    )


def _entry(order: Order, place: int) -> AuditEvent:
    return AuditEvent(
        at=order.created_at,
        actor_name=order.requested_by_name,
        source=order.source,
        action="job.succeeded",
        object_type="job",
        object_id=str(place),
        object_label=f"#{place} {order.project.slug}",
        project_slug=order.project.slug,
        before={"state": "verifying"},
        after={"state": "succeeded"},
    )


def _mark_handled() -> None:
    """As placing the later jobs would have."""
    later = Job.objects.filter(server=OuterRef("server"), created_at__gt=OuterRef("created_at"))
    Job.objects.filter(Exists(later), state=JobState.FAILED).update(handled_at=database_now())


def _due(order: Order, server: Server) -> Job:
    at = order.created_at
    return Job(
        order=order,
        project=order.project,
        server=server,
        server_name=server.name,
        state=JobState.RUNNING,
        state_since=at,
        request_hash="0" * 64,
        cloud_job_id="due",
        lease_until=at,
        next_at=at,
        created_at=at,
    )
