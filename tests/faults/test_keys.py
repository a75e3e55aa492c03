"""F77: the encryption key is missing, wrong, or changed while jobs are under way."""

import os
import secrets
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Order, Project, Server
from reinstall.services import auditkeys, links
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
SCRIPT = b"#!/bin/sh\necho canary-77\n"


def rotate() -> str:
    out = StringIO()
    call_command("keys", "rotate", stdout=out, stderr=out)
    return out.getvalue()


def key_of(sealed: Any) -> str:
    """The id of the key that wraps a sealed value."""
    raw = bytes(sealed)
    return raw[2 : 2 + raw[1]].decode()


@pytest.mark.parametrize(
    ("keys", "words"),
    [("", "ECSPORTAL_ENCRYPTION_KEYS is missing"), ("k1:c2hvcnQ=", "ECSPORTAL_ENCRYPTION_KEYS")],
    ids=["missing", "malformed"],
)
def test_F77_without_a_usable_key_production_does_not_start(keys: str, words: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ECSPORTAL_")}
    own = {
        "ECSPORTAL_DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
        "ECSPORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        **({"ECSPORTAL_ENCRYPTION_KEYS": keys} if keys else {}),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=clean | own,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr and "Traceback" not in done.stderr
    assert "c2hvcnQ" not in done.stderr


@pytest.mark.django_db
def test_F77_with_a_wrong_key_nothing_is_sent_and_with_the_right_one_the_job_goes_on(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server, user_data=SCRIPT)
    before = len(simulator.ledger()["requests"])
    with override_settings(ENCRYPTION_KEYS={"other": NEW}):
        links.forget_sessions()
        advanced(job, clock)
        assert "secrets do not open" in job.waiting_for
        assert job.state in (JobState.QUEUED, JobState.PREFLIGHT) and not job.attempts.exists()
    assert len(simulator.ledger()["requests"]) == before
    links.forget_sessions()
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED


@pytest.mark.django_db
def test_F77_a_key_changed_in_mid_run_opens_old_and_new(
    actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock, settings: Any
) -> None:
    first, second = free_servers(project)[:2]
    old = settings.ENCRYPTION_KEYS
    running = advanced(placed_job(actor, first, user_data=SCRIPT), clock)
    queued = placed_job(actor, second, user_data=SCRIPT)
    settings.ENCRYPTION_KEYS = {"new": NEW, **old}
    links.forget_sessions()
    assert finished(running, clock, simulator).state == JobState.SUCCEEDED
    later = placed_job(actor, first, user_data=SCRIPT)
    assert {key_of(order.user_data_sealed) for order in Order.objects.all()} == {"new", next(iter(old))}
    assert "key new: 4 secrets wrapped anew, 1 were already" in rotate()
    assert "key new: 0 secrets wrapped anew, 5 were already" in rotate()
    assert AuditEvent.objects.filter(action="keys.rotated").count() == 2
    # The old key is taken away; nothing that is stored needs it any more.
    settings.ENCRYPTION_KEYS = {"new": NEW}
    links.forget_sessions()
    for job in (queued, later):
        assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    assert len(simulator.accepted()) == 3


@pytest.mark.django_db
def test_F77_what_does_not_open_is_named_and_left_as_it_is(
    actor: Actor, server: Server, settings: Any
) -> None:
    placed_job(actor, server, user_data=SCRIPT)
    before = bytes(Order.objects.get().user_data_sealed)
    settings.ENCRYPTION_KEYS = {"other": OLD}
    with pytest.raises(CommandError, match="3 secrets do not open"):
        rotate()
    assert bytes(Order.objects.get().user_data_sealed) == before


@pytest.mark.django_db
def test_F77_a_fresh_process_without_the_old_key_changes_nothing_and_says_which_is_missing(
    actor: Actor, server: Server, settings: Any
) -> None:
    placed_job(actor, server, user_data=SCRIPT)
    before = bytes(Order.objects.get().user_data_sealed)
    settings.ENCRYPTION_KEYS = {"other": OLD}
    auditkeys.forget()
    try:
        with pytest.raises(CommandError, match="no key .* to open audit_key:key:"):
            rotate()
    finally:
        auditkeys.forget()
    assert bytes(Order.objects.get().user_data_sealed) == before
