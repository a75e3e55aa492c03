"""F48, F49: peers that cannot prove who they are, names that mean another machine: nothing is sent to either.

Names are looked up in a table of this process, so that a public one can become a private one.
"""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from ecsclient.transport import Phase, post_once
from reinstall.domain.actors import Actor
from reinstall.domain.addresses import why_private
from reinstall.domain.states import JobState
from reinstall.models import Cloud, Environment, Job, Project, Server
from reinstall.services import links
from simulator.server import RunningSimulator
from tests.ecsclient.rawserver import RawServer, answering, certificate, hang
from tests.reinstall.conftest import Clock, advanced, placed_job

pytestmark = pytest.mark.django_db

#: name -> the addresses its lookups give, one after the other; the last one stays.
Names = dict[str, list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """A resolver that knows these names and no other."""
    table: Names = {}
    system = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host in table:
            found = table[host]
            host = found.pop(0) if len(found) > 1 else found[0]
        elif host.endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return system(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


def moved_to(project: Project, address: str, environment: str = Environment.SIMULATOR) -> None:
    """The project's compute service is at `address` from now on."""
    where = project.cloud.endpoints | {"ecs": address}
    Cloud.objects.filter(pk=project.cloud_id).update(endpoints=where)
    Project.objects.filter(pk=project.pk).update(environment=environment)
    links.forget_sessions()


def placed_then_moved(actor: Actor, server: Server, move: Callable[[], None]) -> Job:
    """A job whose hash holds for the new address: what is tried is the network, not the hash."""
    move()
    server.project.refresh_from_db()
    return placed_job(actor, server)


def tried(job: Job, clock: Clock, turns: int) -> str:
    """The job after so many turns, waiting longer each time; the sentence on its page."""
    waits = []
    for _ in range(turns):
        advanced(job, clock)
        assert job.state in (JobState.QUEUED, JobState.PREFLIGHT) and job.next_at is not None
        waits.append(job.next_at - clock())
    assert waits == sorted(waits)
    return job.waiting_for


def ended_unreachable(job: Job, clock: Clock) -> None:
    """The job tried until it gives up."""
    for _ in range(12):
        advanced(job, clock)
        if job.ended_at is not None:
            break
    assert (job.state, job.failure_code) == (JobState.REJECTED, "unreachable")
    assert "Nothing was sent" in job.failure_message


def old_tls(folder: Path) -> ssl.SSLContext:
    context, _ = certificate(folder)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1
    return context


TLS: dict[str, Callable[[Path], ssl.SSLContext]] = {
    "self-signed": lambda folder: certificate(folder)[0],
    "expired": lambda folder: certificate(folder, days=-1)[0],
    "wrong-host": lambda folder: certificate(folder, host="other.example")[0],
    "tls-1.0": old_tls,
}


@pytest.mark.parametrize("kind", TLS)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_F48_a_peer_that_cannot_prove_itself_hears_nothing(
    kind: str, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator, tmp_path: Path
) -> None:
    with RawServer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), TLS[kind](tmp_path)) as peer:
        job = placed_then_moved(actor, server, lambda: moved_to(server.project, peer.url))
        said = tried(job, clock, 2)
        once = post_once(url=f"{peer.url}/v2/x/reinstallos", headers={}, body=b"{}")
    assert once.phase in (Phase.NEW, Phase.CONNECTED) and not once.was_sent
    assert "Nothing was sent; asking again" in said
    assert peer.connections > 1 and peer.requests == []
    assert not job.attempts.exists() and not simulator.accepted()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_F48_a_good_certificate_does_not_make_up_for_tls_1_0(tmp_path: Path) -> None:
    with RawServer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), old_tls(tmp_path)) as peer:
        trusting = ssl.create_default_context(cafile=next(tmp_path.glob("*.pem")))
        once = post_once(url=peer.url, headers={}, body=b"{}", tls_context=trusting)
    assert (once.phase, once.was_sent, peer.requests) == (Phase.CONNECTED, False, [])
    assert "protocol version" in once.error.lower().replace("_", " ")


def test_F48_a_handshake_that_hangs_is_given_up_and_nothing_was_sent(
    actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    with RawServer(hang) as peer:
        once = post_once(url=peer.url.replace("http:", "https:"), headers={}, body=b"{}", connect_timeout=0.3)
    assert (once.phase, once.was_sent) == (Phase.CONNECTED, False)
    assert peer.requests == []


def test_F49_a_name_without_an_address_ends_as_unreachable(
    names: Names, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    job = placed_then_moved(actor, server, lambda: moved_to(server.project, "http://gone.example"))
    assert "gone.example" in tried(job, clock, 3)
    ended_unreachable(job, clock)
    assert not job.attempts.exists() and not simulator.accepted()


def test_F49_a_name_that_means_the_metadata_service_is_never_called(
    names: Names, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    names["ecs.cloud.example"] = ["169.254.169.254"]
    job = placed_then_moved(actor, server, lambda: moved_to(server.project, "http://ecs.cloud.example"))
    assert "link-local" in tried(job, clock, 2)
    assert not job.attempts.exists() and not simulator.accepted()


def test_F49_a_public_name_that_becomes_a_private_address_is_not_called(
    names: Names, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    assert not settings.ALLOW_PRIVATE_ENDPOINTS
    # The simulated cloud itself stands there and would answer every read.
    names["ecs.cloud.example"] = ["127.0.0.1"]
    address = f"http://ecs.cloud.example:{simulator.port}"
    job = placed_then_moved(actor, server, lambda: moved_to(server.project, address, Environment.PRODUCTION))
    before = len(simulator.ledger()["requests"])
    assert "127.0.0.1 is a private or reserved address" in tried(job, clock, 2)
    assert len(simulator.ledger()["requests"]) == before
    assert not job.attempts.exists()


def test_F49_a_name_that_changes_between_the_last_look_and_the_call_is_not_sent(
    names: Names, actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator
) -> None:
    # Reads keep their connection; the call opens one of its own and looks the name up again.
    names["ecs.cloud.example"] = ["127.0.0.1", "169.254.169.254", "127.0.0.1"]
    address = f"http://ecs.cloud.example:{simulator.port}"
    job = placed_then_moved(actor, server, lambda: moved_to(server.project, address))
    advanced(job, clock)
    assert job.state == JobState.QUEUED
    (attempt,) = job.attempts.all()
    assert (attempt.verdict, attempt.phase) == ("not_sent", "new")
    assert not simulator.accepted()
    advanced(job, clock)
    assert job.state == JobState.RUNNING
    assert len(simulator.accepted()) == 1


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:127.0.0.1", "224.0.0.1"),
        *("192.0.0.8", "0.0.0.0", "fe80::1", "fc00::1", "255.255.255.255"),
    ],
)
def test_F49_no_private_or_reserved_address_is_called_in_production(address: str, project: Project) -> None:
    project.environment = Environment.PRODUCTION
    assert links.refuses(project)(address)
    assert why_private(address)
    with override_settings(ALLOW_PRIVATE_ENDPOINTS=True):
        assert not links.refuses(project)(address)


@pytest.mark.parametrize("address", ["80.158.0.1", "2a00:1450:4001:80b::200e"])
def test_F49_a_public_address_may_be_called(address: str, project: Project) -> None:
    project.environment = Environment.PRODUCTION
    assert not links.refuses(project)(address)
