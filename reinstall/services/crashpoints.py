"""Named places where a process may die, or freeze, on purpose. Without ECSPORTAL_FAULT_INJECTION they do nothing.

The setting reads `K2:0.2,K3:1,K2/stop:0.1,seed:7`: at K2 one passage in five kills the process with SIGKILL and
one in ten stops it with SIGSTOP until somebody continues it. Settings refuse it outside of a fault run.
"""

import os
import random
import signal
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

#: Where the points are, and what is on disk when a process dies there.
POINTS = {
    "K0": "the job is claimed, nothing else",
    "K1": "the last look at the server is done, no intent is written",
    "K2": "the intent is committed, nothing is checked or sent",
    "K2b": "the last check before sending is done, nothing is sent",
    "K3": "the answer is here, and not stored",
    "K4": "the answer is stored",
    "K5": "a running job is about to be asked for",
    "K6": "the cloud said how the job ended, and it is not stored",
    "K7": "the end is stored, and nobody was told",
    "K8": "evidence was read, and nothing is concluded",
    "K9": "all statements of the intent were made, its commit was not",
    "K9b": "all statements of the answer were made, its commit was not",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How likely each point kills or stops. `chance` is of this process alone, forked children have others."""

    kill: dict[str, float] = field(default_factory=dict)
    stop: dict[str, float] = field(default_factory=dict)
    seed: int = 0


def crashpoint(name: str) -> None:
    """Dies here, freezes here, or does nothing: as the plan says."""
    if not settings.FAULT_INJECTION:
        return
    chosen = plan(settings.FAULT_INJECTION)
    chance = _chance(chosen.seed, os.getpid())
    if chance.random() < chosen.kill.get(name, 0.0):
        os.kill(os.getpid(), signal.SIGKILL)
    if chance.random() < chosen.stop.get(name, 0.0):
        os.kill(os.getpid(), signal.SIGSTOP)


@cache
def plan(text: str) -> Plan:
    """The setting, read. Raises ImproperlyConfigured for a name or number that means nothing."""
    kill: dict[str, float] = {}
    stop: dict[str, float] = {}
    seed = 0
    for item in filter(None, text.split(",")):
        name, _, value = item.strip().partition(":")
        point, slash, act = name.partition("/")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if name == "seed" and number >= 0:
            seed = int(number)
        elif point in POINTS and 0 <= number <= 1 and (not slash or act == "stop"):
            (stop if slash else kill)[point] = number
        else:
            raise ImproperlyConfigured(
                f"ECSPORTAL_FAULT_INJECTION: {item!r} is not POINT:PROBABILITY, POINT/stop:PROBABILITY or "
                f"seed:NUMBER. Points: {', '.join(POINTS)}."
            )
    return Plan(kill, stop, seed)


@cache
def _chance(seed: int, process: int) -> random.Random:
    return random.Random(f"{seed}:{process}")
