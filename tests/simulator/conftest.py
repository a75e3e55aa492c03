"""A simulator with a stopped clock: time goes on only where a test says so."""

from collections.abc import Iterator

import pytest

from simulator.server import RunningSimulator, start_in_thread
from tests.simulator.client import Client


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    sim = start_in_thread(speed=0.0, seed=7)
    yield sim
    sim.stop()


@pytest.fixture
def sim(running: RunningSimulator) -> RunningSimulator:
    running.reset()
    return running


@pytest.fixture
def client(sim: RunningSimulator) -> Client:
    return Client(sim)
