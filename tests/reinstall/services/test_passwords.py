"""A reinstall with a password: sent as asked, sealed, told to nobody, not to be guessed from a digest."""

import hashlib
import json
import logging
from typing import Any

import pytest

from ecsclient.transport import OneShotResult, Phase
from reinstall.domain.actors import Actor
from reinstall.domain.answers import Meaning
from reinstall.domain.errors import RuleBroken
from reinstall.domain.spec import canonical_json
from reinstall.domain.states import JobState, Verdict
from reinstall.domain.verdicts import Level
from reinstall.models import Attempt, Job, KeyPair, Order, Server
from reinstall.selectors.evidence import evidence_of
from reinstall.services import keys, requests, vault
from reinstall.services.echoes import without_password
from reinstall.services.orders import preview_order
from simulator.server import RunningSimulator
from tests.faults.reading import read_database
from tests.reinstall.conftest import OPERATOR, Clock, advanced, finished, order_request, placed_job

pytestmark = pytest.mark.django_db

PASSWORD = "Canary/Pass=1"
LOGIN: dict[str, Any] = {"keyname": "", "userid": "", "adminpass": PASSWORD}
REINSTALL = {"method": "POST", "path": "*/reinstallos"}


def everything_kept(job: Job) -> dict[str, str]:
    """Every column of every table but the sealed ones."""
    digest = hashlib.sha256(b"").hexdigest()
    return read_database(ordered={str(job.server_id): digest}, canaries=("canary",)).texts


def test_a_run_with_a_password_sends_it_once_and_keeps_it_sealed(
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    job = finished(placed_job(actor, server, **LOGIN), clock, simulator)
    assert job.state == JobState.SUCCEEDED, job.failure_message
    (accepted,) = simulator.accepted()
    assert accepted["body"] == {"os-reinstall": {"adminpass": PASSWORD, "mode": "withStopServer"}}
    assert accepted["body_raw"] == requests.spec_of_order(job.order).request_bytes().decode()
    assert [place for place, text in everything_kept(job).items() if PASSWORD in text] == []
    assert PASSWORD not in caplog.text
    assert PASSWORD.encode() not in bytes(job.order.adminpass_sealed)
    assert "hidden" in job.exchanges.get(method="POST", path__endswith="/reinstallos").request_body


def test_no_digest_that_is_shown_can_be_used_to_try_passwords(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = finished(placed_job(actor, server, **LOGIN), clock, simulator)
    body = canonical_json({"os-reinstall": {"adminpass": PASSWORD, "mode": "withStopServer"}})
    guessed = hashlib.sha256(body).hexdigest()
    spec, facts = requests.spec_of_order(job.order), requests.snapshot_of(job)
    from_guess = requests.request_hash(job.project, facts, spec)
    kept = everything_kept(job)
    assert [place for place, text in kept.items() if guessed in text or from_guess in text] == []
    pepper = requests.pepper_of(job.order)
    assert len(pepper) == 32 and pepper.hex() not in "".join(kept.values())
    assert Attempt.objects.get(job=job).body_sha256 == requests.body_digest(body, pepper)
    assert requests.hash_of_job(job, spec) == job.request_hash


def test_a_preview_has_no_hash_to_compare_with(actor: Actor, server: Server) -> None:
    preview = preview_order(actor=actor, now=Clock()(), request=order_request(server, **LOGIN))
    (shown,) = preview.requests
    assert shown.request_hash == ""
    assert shown.body["os-reinstall"] == {"adminpass": "hidden", "mode": "withStopServer"}
    assert PASSWORD not in repr(preview) and PASSWORD not in repr(order_request(server, **LOGIN))


def test_the_same_order_twice_has_other_digests(actor: Actor, server: Server, clock: Clock) -> None:
    first = placed_job(actor, server, **LOGIN)
    Job.objects.filter(pk=first.pk).update(state="cancelled", ended_at=clock())
    second = placed_job(actor, server, **LOGIN)
    assert first.request_hash != second.request_hash
    assert requests.pepper_of(first.order) != requests.pepper_of(second.order)


def test_a_password_that_was_changed_in_the_database_is_not_sent(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server, **LOGIN)
    pepper = requests.pepper_of(job.order)
    other = requests.sealed_password(job.order, "Another-Pass_1", pepper)
    Order.objects.filter(pk=job.order_id).update(adminpass_sealed=other)
    advanced(job, clock, 3)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "hash_mismatch")
    assert simulator.accepted() == []


def test_an_answer_that_quotes_the_password_is_kept_without_it(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    message = f"adminpass {PASSWORD} is too simple"
    body = json.dumps({"error": {"code": "Ecs.0011", "message": message}}).replace("/", "\\/")
    fault = {"match": REINSTALL, "times": 1, "do": "answer", "status": 400, "body": body}
    simulator.faults([fault])
    job = advanced(placed_job(actor, server, **LOGIN), clock, 3)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "Ecs.0011")
    assert "adminpass hidden is too simple" in job.failure_message
    assert [place for place, text in everything_kept(job).items() if PASSWORD in text] == []
    call = job.exchanges.get(method="POST", path__endswith="/reinstallos")
    assert "hidden is too simple" in call.response_body


def test_each_spelling_of_json_is_found() -> None:
    told = [PASSWORD, PASSWORD.replace("/", "\\/"), PASSWORD.replace("=", "\\u003d")]
    result = OneShotResult(Phase.COMPLETE, 400, "", {}, " ".join(told).encode(), True, PASSWORD, Clock()(), 1)
    meaning = Meaning(Verdict.REJECTED, f"no {PASSWORD}", code="c")
    shown, meant = without_password(result, meaning, PASSWORD)
    assert shown.body == b"hidden hidden hidden" and shown.error == "hidden" and meant.why == "no hidden"


def test_an_attempt_without_a_record_of_its_call_shows_no_password(
    actor: Actor, server: Server, clock: Clock
) -> None:
    job = placed_job(actor, server, **LOGIN)
    Attempt.objects.create(job=job, number=1, verdict="unknown", body_sha256="0" * 64, intent_at=clock())
    sent = evidence_of(actor, job.pk).sent
    assert sent is not None and json.loads(sent.body)["os-reinstall"]["adminpass"] == "hidden"


def test_the_password_moves_to_a_new_key_with_the_others(
    actor: Actor, server: Server, settings: Any, clock: Clock
) -> None:
    job = placed_job(actor, server, **LOGIN)
    settings.ENCRYPTION_KEYS = {"new": b"n" * 32, **settings.ENCRYPTION_KEYS}
    done = keys.rotate_keys(actor=OPERATOR, now=clock())
    assert done.shut == ()
    job.order.refresh_from_db()
    assert bytes(job.order.adminpass_sealed)[2:5] == b"new" and vault.current_key() == "new"
    assert requests.password_of(job.order) == PASSWORD


def test_a_password_sealed_for_another_order_does_not_open(
    actor: Actor, server: Server, clock: Clock
) -> None:
    job = placed_job(actor, server, **LOGIN)
    stolen = bytes(job.order.adminpass_sealed)
    Job.objects.filter(pk=job.pk).update(state="cancelled", ended_at=clock())
    other = placed_job(actor, server)
    Order.objects.filter(pk=other.order_id).update(adminpass_sealed=stolen)
    advanced(other, clock, 3)
    assert other.state in (JobState.REJECTED, JobState.ATTENTION, JobState.QUEUED, JobState.PREFLIGHT)
    assert not other.attempts.exists()


def test_windows_and_scripts_are_checked_per_server(actor: Actor, server: Server) -> None:
    def levels(**changes: Any) -> list[Level]:
        asked = order_request(server, **(LOGIN | changes))
        checks = preview_order(actor=actor, now=Clock()(), request=asked).checks
        return [check.level for check in checks if check.name == "password"]

    assert levels() == []
    assert levels(user_data=b"#!/bin/sh\n") == [Level.TO_KNOW]
    Server.objects.filter(pk=server.pk).update(os_type="Windows")
    assert levels(adminpass="Administrator-1") == [Level.MUST_FIX]
    assert levels(user_data=b"#ps1\n") == []


def test_a_cloud_without_passwords_says_why(actor: Actor, server: Server) -> None:
    cloud = server.project.cloud
    cloud.profile = "otc"
    cloud.save()
    with pytest.raises(RuleBroken, match="Open Telekom Cloud documents no password"):
        placed_job(actor, server, **LOGIN)
    key = KeyPair.objects.filter(project=server.project).order_by("name")[0]
    assert (
        placed_job(actor, server, keyname=key.name, userid=key.userid, adminpass="").order.password_set
        is False
    )
