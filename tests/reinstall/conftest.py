"""A simulated cloud over real sockets, a project in it, people, and a clock that tests may move."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor, Source
from reinstall.models import Job, KeyPair, Membership, Order, Project, Server
from reinstall.services import (
    approvals,
    approving,
    clouds,
    engine,
    glance,
    inventory,
    links,
    orders,
    plans,
    preconditions,
    throttles,
)
from simulator.server import RunningSimulator, start_in_thread
from tests.reinstall.rows import a_person, a_project

OPERATOR = Actor(user_id=None, name="tests", source=Source.COMMAND, sees_all=True)
FAST = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = FAST
    # Most tests sign in with no more than a name; those of the second factor ask for `policy`.
    settings.SECOND_FACTOR = "never"
    glance.forget()
    throttles.forget()


@pytest.fixture
def policy(settings: Any) -> str:
    """As a portal runs by default: real projects want a second factor."""
    settings.SECOND_FACTOR = "real"
    return "real"


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[RunningSimulator]:
    running = start_in_thread(seed=1, speed=1.0)
    yield running
    running.stop()


@pytest.fixture
def simulator(running_simulator: RunningSimulator) -> RunningSimulator:
    """The simulated cloud as on its first day, at real speed; tests move its clock by `advance`."""
    running_simulator.reset()
    running_simulator.clear_faults()
    running_simulator.set_speed(1.0)
    links.forget_sessions()
    plans.forget()
    preconditions.forget()
    return running_simulator


@dataclass
class Clock:
    """Now, plus what a test added."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def add(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def project(db: None, simulator: RunningSimulator) -> Project:
    """The simulator's shop-prod, synced."""
    return added_project(simulator)


def added_project(simulator: RunningSimulator, **changes: Any) -> Project:
    """A project of the simulator, added and synced; `changes` go into the document."""
    document = simulator.cloud_json("shop-prod") | changes
    made = clouds.add_project(actor=OPERATOR, now=now(), document=document)
    report = inventory.sync_project(actor=OPERATOR, now=now(), project=made)
    assert not report.problems
    made.refresh_from_db()
    return made


@pytest.fixture
def shop(db: None) -> Project:
    """A project without a cloud behind it."""
    return a_project("shop")


@pytest.fixture
def bob(shop: Project) -> User:
    """May reinstall in shop."""
    return a_person("bob", shop)


@pytest.fixture
def user(db: None) -> User:
    """Somebody with an account and no right."""
    return User.objects.create_user("alice", password="correct horse battery")


@pytest.fixture
def requester(user: User, project: Project) -> User:
    """alice, who may reinstall in shop-prod."""
    Membership.objects.create(user=user, project=project, role=Membership.Role.REQUESTER)
    return user


@pytest.fixture
def operator(user: User, project: Project) -> User:
    """alice, who may reinstall in shop-prod and settle what became of it."""
    Membership.objects.create(user=user, project=project, role=Membership.Role.OPERATOR)
    return user


@pytest.fixture
def actor(requester: User) -> Actor:
    return actor_for(requester)


def actor_for(user: User) -> Actor:
    """`user` at a browser."""
    return Actor(
        user_id=user.pk,
        name=user.username,
        source=Source.BROWSER,
        address="127.0.0.1",
        request_id="test",
        sees_all=user.is_superuser,
        second_factor=True,
        proved_at=now(),
    )


@pytest.fixture
def server(project: Project) -> Server:
    """A server that can be reinstalled: running, not locked, its image there, with a data disk."""
    return free_servers(project)[0]


def free_servers(project: Project) -> list[Server]:
    """Servers of the project a reinstall would go through for, with a data disk, by name."""
    found = Server.objects.filter(project=project, status="ACTIVE", locked=False, name__startswith="web-")
    usable = [s for s in found.order_by("name") if s.disks.count() > 1 and not s.disks.filter(encrypted=True)]
    assert usable, "the simulator has no plain web server with a data disk"
    return usable


def order_request(server: Server, **changes: Any) -> orders.OrderRequest:
    """A request that is right in every field, but for `changes`."""
    key = KeyPair.objects.filter(project=server.project).order_by("name")[0]
    values: dict[str, Any] = {
        "project": server.project.slug,
        "servers": (str(server.pk),),
        "keyname": key.name,
        "userid": key.userid,
        "mode": "withStopServer",
        # Where the system disk is encrypted, a word on it is asked for.
        "encrypted": False if server.disks.filter(boot_index=0, encrypted=True).exists() else None,
        "reason": "OPS-4417",
        "confirm": server.name,
    }
    return orders.OrderRequest(**(values | changes))


def placed_job(actor: Actor, server: Server, **changes: Any) -> Job:
    """A job just placed for `server`."""
    placed = orders.place_order(
        actor=actor, now=now(), request=order_request(server, **changes), submission_id=uuid.uuid4()
    )
    return agreed(placed.order).jobs.get()


def agreed(order: Order) -> Order:
    """The order, approved by somebody else where it waits for that."""
    approval = approvals.of_order(order)
    if approval is not None and not approval.end:
        second, _ = User.objects.get_or_create(username="second")
        Membership.objects.get_or_create(
            user=second, project=order.project, defaults={"role": Membership.Role.APPROVER}
        )
        approving.decide_approval(
            actor=actor_for(second),
            now=now(),
            approval_id=approval.pk,
            decision="approve",
            request_hash=approval.request_hash,
        )
    return order


def advanced(job: Job, clock: Clock, times: int = 1) -> Job:
    """The job after the engine had `times` turns at it, each when it was due."""
    for _ in range(times):
        job.refresh_from_db()
        if job.next_at is not None and job.next_at > clock():
            clock.ahead = max(clock.ahead, job.next_at - datetime.now(UTC) + timedelta(milliseconds=1))
        engine.advance(job_id=job.pk, clock=clock, owner="test")
    job.refresh_from_db()
    return job


def finished(job: Job, clock: Clock, simulator: RunningSimulator, turns: int = 40) -> Job:
    """The job at its end, the cloud's clock moved along; stops at attention as well."""
    for _ in range(turns):
        advanced(job, clock)
        if job.ended_at is not None or job.state == "attention":
            return job
        simulator.advance(30)
    raise AssertionError(f"job {job.pk} is still {job.state} after {turns} turns: {job.waiting_for}")
