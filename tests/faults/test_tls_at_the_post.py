"""F48 where only the one call meets it: the reads before it go through, the call's own connection does not.

The call has a connection of its own, so a load balancer with one bad machine behind it can do this.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
import requests.adapters

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState, Verdict
from reinstall.models import Server
from simulator.server import RunningSimulator
from tests.ecsclient.rawserver import certificate
from tests.faults.test_addresses import moved_to, placed_then_moved
from tests.reinstall.conftest import Clock, advanced

pytestmark = pytest.mark.django_db

#: What meets a connection that is not the first: given the socket, answers with the socket to serve, or None.
Door = Callable[[socket.socket], "ssl.SSLSocket | None"]


class OneGoodDoor:
    """TLS before the simulator: the first connection is served, each later one meets `door`."""

    def __init__(self, port: int, good: ssl.SSLContext, door: Door) -> None:
        self._port, self._good, self.door = port, good, door
        self.turned_away = 0
        self._held: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for held in self._held:
            held.close()

    def _accept(self) -> None:
        first = True
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near, first), daemon=True).start()
                first = False

    def _serve(self, near: socket.socket, first: bool) -> None:
        self._held.append(near)
        with contextlib.suppress(OSError):
            if first:
                return self._pass_on(self._good.wrap_socket(near, server_side=True))
            self.turned_away += 1
            inside = self.door(near)
            if inside is not None:
                self._pass_on(inside)

    def _pass_on(self, near: ssl.SSLSocket) -> None:
        far = socket.create_connection(("127.0.0.1", self._port))
        self._held += [near, far]
        threading.Thread(target=_copy, args=(far, near), daemon=True).start()
        _copy(near, far)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65_536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def silence(_: socket.socket) -> None:
    """Takes the connection and never answers its hello."""


def stranger(folder: Path) -> Door:
    """Shows a certificate nobody vouches for."""
    (folder / "other").mkdir()
    context, _ = certificate(folder / "other")
    return lambda near: context.wrap_socket(near, server_side=True)


def hangs_up(near: socket.socket) -> None:
    near.close()


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate the authorities of this process vouch for."""
    context, file = certificate(tmp_path)
    monkeypatch.setattr(certifi, "where", lambda: str(file))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(file))
    return context


@pytest.fixture(params=["silence", "stranger", "hangs-up"])
def front(
    request: pytest.FixtureRequest, trusted: ssl.SSLContext, simulator: RunningSimulator, tmp_path: Path
) -> Iterator[OneGoodDoor]:
    doors: dict[str, Door] = {"silence": silence, "stranger": stranger(tmp_path), "hangs-up": hangs_up}
    front = OneGoodDoor(int(simulator.base_url.rsplit(":", 1)[1]), trusted, doors[request.param])
    yield front
    front.close()


def test_F48_a_handshake_that_fails_at_the_call_alone_is_not_sent_and_ends_unreachable(
    front: OneGoodDoor,
    actor: Actor,
    server: Server,
    clock: Clock,
    simulator: RunningSimulator,
    settings: Any,
) -> None:
    settings.CALL_WALL_S = 0.5
    job = placed_then_moved(actor, server, lambda: moved_to(server.project, front.url))
    advanced(job, clock)
    assert job.state == JobState.QUEUED, (job.state, job.failure_message)
    (attempt,) = job.attempts.all()
    assert (attempt.verdict, attempt.status) == (Verdict.NOT_SENT, None)
    assert front.turned_away == 1
    for _ in range(12):
        advanced(job, clock)
        if job.ended_at is not None:
            break
    assert (job.state, job.failure_code) == (JobState.REJECTED, "unreachable")
    assert set(job.attempts.values_list("verdict", flat=True)) == {Verdict.NOT_SENT}
    assert front.turned_away == job.attempts.count() == 5
    assert simulator.accepted() == []


def test_F48_once_the_bad_door_is_gone_the_same_job_is_sent_once(
    front: OneGoodDoor,
    trusted: ssl.SSLContext,
    actor: Actor,
    server: Server,
    clock: Clock,
    simulator: RunningSimulator,
    settings: Any,
) -> None:
    settings.CALL_WALL_S = 0.5
    job = placed_then_moved(actor, server, lambda: moved_to(server.project, front.url))
    advanced(job, clock)
    assert job.state == JobState.QUEUED
    front.door = lambda near: trusted.wrap_socket(near, server_side=True)
    settings.CALL_WALL_S = 30
    advanced(job, clock)
    assert job.state == JobState.RUNNING, job.waiting_for
    assert list(job.attempts.order_by("number").values_list("verdict", flat=True)) == [
        Verdict.NOT_SENT,
        Verdict.ACCEPTED,
    ]
    assert len(simulator.accepted()) == 1
