"""Signing in over HTTP, and how much of it is the password: argon2 is meant to be slow, nothing else is."""

import json
import time

from benchmarks.figures import Figure, median_of
from benchmarks.pages import Person
from benchmarks.portal import USER, portal
from benchmarks.processes import output_of, python

#: What is left of a sign-in beside argon2, of the whole.
GOAL_PERCENT = 50.0


def measure(quick: bool) -> list[Figure]:
    """One person after the other, each with a new session: the form's page and its answer."""
    times = 5 if quick else 30
    with portal() as running:
        running.serve()
        running.person()
        took = []
        for _ in range(times):
            person = Person(running.url)
            begun = time.perf_counter()
            person.sign_in(USER, running.password)
            took.append((time.perf_counter() - begun) * 1000)
        alone = json.loads(output_of(python("-m", "benchmarks.hashing", str(times)), env=running.env))
    whole = median_of("sign-in: the page, and the form sent", took, "ms")
    password = median_of("of it: argon2 checks the password", alone, "ms")
    rest = (whole.value - password.value) / whole.value * 100
    return [whole, password, Figure("of it: everything else", rest, "%", GOAL_PERCENT)]
