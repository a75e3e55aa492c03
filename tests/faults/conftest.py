"""The simulated cloud and people of the engine's tests, for the fault matrix."""

from tests.reinstall.conftest import (
    _fast_passwords,
    actor,
    clock,
    project,
    requester,
    running_simulator,
    server,
    simulator,
    user,
)

__all__ = [
    "_fast_passwords",
    "actor",
    "clock",
    "project",
    "requester",
    "running_simulator",
    "server",
    "simulator",
    "user",
]
