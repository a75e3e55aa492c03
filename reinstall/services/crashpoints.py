"""Named places where a process may die, freeze or fail on purpose; they do nothing without the setting.

ECSPORTAL_FAULT_INJECTION reads `K2:0.2,K3/stop:0.1,seed:7`: at K2 one passage in five kills the process with
SIGKILL, at K3 one in ten stops it with SIGSTOP until somebody continues it. Settings refuse it outside of a
fault run.
"""

import os
import random
import signal
import threading
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


#: What may happen at a point. `raise` stands for what a process out of memory meets.
ACTS = ("kill", "stop", "raise")


@dataclass(frozen=True, slots=True)
class Plan:
    """How likely each act is at each point, by (point, act)."""

    chances: dict[tuple[str, str], float] = field(default_factory=dict)
    seed: int = 0


def crashpoint(name: str) -> None:
    """Dies here, freezes here, or does nothing: as the plan says."""
    if not settings.FAULT_INJECTION:
        return
    chosen = plan(settings.FAULT_INJECTION)
    dice = _dice(chosen.seed, os.getpid())
    for act in ACTS:
        chance = chosen.chances.get((name, act), 0.0)
        if chance and dice.random() < chance:
            _act(act, name)


def _act(act: str, name: str) -> None:
    if act == "raise":
        raise MemoryError(f"planted at {name}")
    # To this thread: sent to the process, another thread may take it, and this one runs on for a while.
    signal.pthread_kill(threading.get_ident(), signal.SIGKILL if act == "kill" else signal.SIGSTOP)


@cache
def plan(text: str) -> Plan:
    """The setting, read. Raises ImproperlyConfigured for a name or number that means nothing."""
    chances: dict[tuple[str, str], float] = {}
    seed = 0
    for item in filter(None, text.split(",")):
        name, _, value = item.strip().partition(":")
        point, _, act = name.partition("/")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if name == "seed" and number >= 0:
            seed = int(number)
        elif point in POINTS and 0 <= number <= 1 and act in ("", *ACTS):
            chances[point, act or "kill"] = number
        else:
            raise ImproperlyConfigured(
                f"ECSPORTAL_FAULT_INJECTION: {item!r} is not POINT:PROBABILITY, POINT/ACT:PROBABILITY or "
                f"seed:NUMBER. Points: {', '.join(POINTS)}; acts: {', '.join(ACTS)}."
            )
    return Plan(chances, seed)


@cache
def _dice(seed: int, process: int) -> random.Random:
    return random.Random(f"{seed}:{process}")
