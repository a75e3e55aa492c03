"""The clock of a step: one query, then carried on by this machine."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reinstall.models.clock import StepClock, database_now

pytestmark = pytest.mark.django_db


def test_a_step_reads_the_database_once_and_time_goes_on() -> None:
    clock = StepClock()
    with CaptureQueriesContext(connection) as queries:
        first = clock()
        time.sleep(0.02)
        later = clock()
    assert len(queries) == 1
    assert timedelta(milliseconds=20) <= later - first < timedelta(seconds=5)


def test_it_is_never_ahead_of_the_database() -> None:
    clock = StepClock()
    clock()
    for _ in range(200):
        said = clock()
        # SQLite tells whole milliseconds.
        assert said <= database_now() + timedelta(milliseconds=1)


def test_after_a_while_the_database_is_asked_again() -> None:
    clock = StepClock(for_s=0.01)
    clock()
    time.sleep(0.02)
    with CaptureQueriesContext(connection) as queries:
        clock()
    assert len(queries) == 1
