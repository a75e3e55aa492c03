"""The ticker, the watchdog, the doctor and the probes: an engine that stands still is seen."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.timezone import now

from ecsportal.ticker import EXIT_HUNG, Ticker
from reinstall.domain.actors import Actor
from reinstall.domain.lateness import Lateness, lateness
from reinstall.domain.states import FINAL, JobState, Verdict
from reinstall.models import Attempt, Job, Outbox, Server
from reinstall.selectors.health import readiness
from reinstall.services import engine, guards
from tests.reinstall.conftest import OPERATOR, placed_job


def soon(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.django_db
def test_the_ticker_goes_on_after_errors_and_beside_slow_work() -> None:
    slow = threading.Event()
    runs: list[int] = []

    def beat() -> None:
        raise ConnectionError("the database is away")

    def work() -> None:
        runs.append(1)
        slow.wait(5)

    ended: list[int] = []
    ticker = Ticker(beat=beat, work=(work,), every_s=0.01, hung_after_s=0.5, end=ended.append)
    ticker.start()
    soon(lambda: ticker.ticks > 80)
    assert runs == [1]
    slow.set()
    soon(lambda: len(runs) > 1)
    ticker.stop(5)
    assert ended == []


@pytest.mark.django_db
def test_F28_a_process_that_hangs_is_ended_for_a_supervisor_to_start_anew() -> None:
    ended: list[int] = []
    hang = threading.Event()
    ticker = Ticker(
        beat=lambda: print(hang.wait(5)), work=(), every_s=0.01, hung_after_s=0.3, end=ended.append
    )
    ticker.start()
    soon(lambda: ended == [EXIT_HUNG])
    hang.set()
    ticker.stop(5)


@pytest.mark.django_db
def test_F28_ready_turns_red_when_a_due_job_is_taken_by_nobody(
    actor: Actor, server: Server, client: Client
) -> None:
    job = placed_job(actor, server)
    engine.ticked(now=now())
    Job.objects.filter(pk=job.pk).update(next_at=now() - timedelta(seconds=110))
    assert client.get("/ready").status_code == 200
    Job.objects.filter(pk=job.pk).update(next_at=now() - timedelta(seconds=125))
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "no worker took it" in answer.json()["problems"][0]
    # A worker is at it: that is no deaf engine.
    Job.objects.filter(pk=job.pk).update(lease_until=now() + timedelta(seconds=60))
    assert client.get("/ready").status_code == 200


@pytest.mark.django_db
def test_ready_turns_red_when_nobody_ticks() -> None:
    engine.ticked(now=now())
    assert readiness(now()).ready
    assert readiness(now() + timedelta(seconds=121)).problems == (
        "The engine has not looked for due jobs for 120 s.",
    )


def doctor() -> str:
    out = StringIO()
    call_command("jobs", "doctor", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_doctor_has_nothing_to_say_of_an_engine_that_is_well(actor: Actor, server: Server) -> None:
    placed_job(actor, server)
    engine.ticked(now=now())
    assert doctor() == "The engine is well.\n"


@pytest.mark.django_db
def test_the_doctor_names_what_is_wrong_and_which_job(actor: Actor, server: Server) -> None:
    engine.ticked(now=now())
    job = placed_job(actor, server)
    old = now() - timedelta(hours=3)
    Attempt.objects.create(job=job, number=1, verdict=Verdict.ARMED, body_sha256="", intent_at=old)
    Job.objects.filter(pk=job.pk).update(sent_at=old, crash_count=2, next_at=old, owner="w")
    Outbox.objects.update(next_at=old)
    guards.freeze(actor=OPERATOR, now=now(), reason="rack 4")
    out = StringIO()
    with pytest.raises(CommandError, match="findings need a look"):
        call_command("jobs", "doctor", stdout=out)
    said = out.getvalue()
    for sentence in (
        "no worker took it",
        "All reinstalls are frozen. rack 4",
        f"may have been sent, and no worker has noted the outcome #{job.pk}",
        f"were left by a worker that stopped #{job.pk}",
        f"failed in a step of this portal and are tried again #{job.pk}",
        f"are stuck: under way for more than two hours #{job.pk}",
        "1 events were not delivered",
    ):
        assert sentence in said


@pytest.mark.django_db
def test_what_waits_for_a_person_is_told_and_is_no_failure(actor: Actor, server: Server) -> None:
    engine.ticked(now=now())
    job = placed_job(actor, server)
    Job.objects.filter(pk=job.pk).update(**{"state": JobState.ATTENTION}, next_at=None)
    Outbox.objects.update(next_at=None)
    assert f"wait for a person, who alone frees their servers #{job.pk}" in doctor()


@pytest.mark.django_db
def test_the_banner_stands_on_every_page(admin_client: Client) -> None:
    call_command("freeze", "on", "--reason", "rack 4 <b>burns</b>", stdout=StringIO())
    for page in ("/servers/", "/jobs/", "/audit/"):
        text = admin_client.get(page).content.decode()
        assert "New reinstalls are stopped for everybody by" in text
        assert "rack 4 &lt;b&gt;burns&lt;/b&gt;" in text
    call_command("freeze", "off", "--reason", "out", stdout=StringIO())
    assert "are stopped for everybody" not in admin_client.get("/jobs/").content.decode()


@pytest.mark.parametrize(
    ("minutes", "late"), [(14.9, ""), (15, "overdue"), (119.9, "overdue"), (120, "stuck"), (9999, "stuck")]
)
def test_F39_late_is_a_badge_by_the_clock(minutes: float, late: str) -> None:
    at = now()
    since = at - timedelta(minutes=minutes)
    assert lateness(JobState.RUNNING, since, at) == late
    for state in FINAL:
        assert lateness(state, since, at) is Lateness.IN_TIME


@pytest.mark.django_db
def test_the_badge_is_on_list_page_and_in_rest_and_the_state_stays(
    actor: Actor, server: Server, admin_client: Client
) -> None:
    job = placed_job(actor, server)
    pages = (f"/jobs/{job.pk}/", "/jobs/")
    assert all("Overdue" not in admin_client.get(page).content.decode() for page in pages)
    Job.objects.filter(pk=job.pk).update(sent_at=now() - timedelta(minutes=20))
    assert all("Overdue: over 15 minutes" in admin_client.get(page).content.decode() for page in pages)
    Job.objects.filter(pk=job.pk).update(sent_at=now() - timedelta(hours=3))
    assert all("Stuck: over 2 hours" in admin_client.get(page).content.decode() for page in pages)
    assert admin_client.get(f"/api/v1/jobs/{job.pk}/").json()["lateness"] == "stuck"
    (row,) = admin_client.get("/api/v1/jobs/").json()["results"]
    assert (row["lateness"], row["state"]) == ("stuck", "queued")
