"""What people are told about a request before it is placed."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.verdicts import Level
from reinstall.models import Cloud, KeyPair, KmsKey, Server
from reinstall.services import checks, orders
from simulator.server import RunningSimulator
from tests.reinstall.conftest import order_request, placed_job

pytestmark = pytest.mark.django_db


def levels(actor: Actor, request: orders.OrderRequest) -> dict[str, Level]:
    preview = orders.preview_order(actor=actor, now=now(), request=request)
    return {check.name: check.level for check in preview.checks}


def test_a_good_request_passes_every_check(actor: Actor, server: Server, simulator: RunningSimulator) -> None:
    with simulator.lock:
        simulator.world.snapshots.clear()
    found = levels(actor, order_request(server, user_data=b"#!/bin/sh\n"))
    names = "server locked protected held system_disk encryption_lost snapshots running image quota key_pair"
    names += " user_data call"
    assert found == dict.fromkeys(names.split(), Level.PASSED)


def test_nothing_is_asked_of_a_key_pair_that_is_not_named(actor: Actor, server: Server) -> None:
    request = order_request(server, keyname="", userid="", user_data=b"#!/bin/sh\n")
    assert "key_pair" not in levels(actor, request)


@pytest.mark.parametrize(
    ("status", "mode", "level"),
    [
        ("ACTIVE", "", Level.MUST_FIX),
        ("ACTIVE", "withStopServer", Level.PASSED),
        ("SHUTOFF", "", Level.PASSED),
        ("ERROR", "", Level.TO_KNOW),
        ("REBOOT", "", Level.TO_KNOW),
        ("REBOOT", "withStopServer", Level.TO_KNOW),
    ],
)
def test_a_running_server_must_be_stopped_first(
    status: str, mode: str, level: Level, actor: Actor, server: Server, settings: Any
) -> None:
    settings.FORM_WAIT_S = 0
    Server.objects.filter(pk=server.pk).update(status=status)
    assert levels(actor, order_request(server, mode=mode))["running"] is level


def test_where_the_cloud_wants_it_stopped_the_portal_does_that(actor: Actor, server: Server) -> None:
    request = order_request(server, mode="")
    Cloud.objects.update(profile="otc")
    assert levels(actor, request)["running"] is Level.TO_KNOW


@pytest.mark.parametrize(
    ("encrypted", "level"), [(None, Level.MUST_FIX), (False, Level.TO_KNOW), (True, Level.PASSED)]
)
def test_encryption_is_never_lost_silently(
    encrypted: bool | None, level: Level, actor: Actor, server: Server, settings: Any
) -> None:
    settings.FORM_WAIT_S = 0
    server.disks.filter(boot_index=0).update(encrypted=True)
    request = order_request(
        server, encrypted=encrypted, cmkid=KmsKey.objects.all()[0].key_id if encrypted else ""
    )
    assert levels(actor, request)["encryption_lost"] is level


def test_a_key_pair_whose_owner_the_cloud_does_not_tell_is_left_to_the_cloud(
    actor: Actor, server: Server, settings: Any
) -> None:
    settings.FORM_WAIT_S = 0
    request = order_request(server)
    KeyPair.objects.filter(name=request.keyname).update(userid="")
    assert levels(actor, request)["key_pair"] is Level.TO_KNOW
    assert orders.place_order(actor=actor, now=now(), request=request, submission_id=uuid.uuid4()).created


def test_the_holder_is_named_with_job_person_and_state(actor: Actor, server: Server) -> None:
    assert checks.held_by(server) is None
    job = placed_job(actor, server)
    holder = checks.held_by(server)
    assert holder == job
    assert checks.held_sentence(job) == f"{server.name} is held by job #{job.pk} of alice, in state “Queued”."


def test_a_preview_does_not_look_at_what_is_typed_to_confirm(actor: Actor, server: Server) -> None:
    request = order_request(server)
    assert levels(actor, request) == levels(actor, replace(request, confirm="anything"))
