"""A preset in an order: which version, whether it is still meant, and what was changed from it."""

import uuid

import pytest
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotFound, RuleBroken
from reinstall.domain.presets import Settings
from reinstall.models import AuditEvent, Order, Project, Server
from reinstall.services import orders, preset_use, presets
from tests.reinstall.conftest import order_request, placed_job
from tests.reinstall.rows import a_project

pytestmark = pytest.mark.django_db

SAYS = Settings(mode="withStopServer", user_data=b"#!/bin/sh\n")


@pytest.fixture
def base(actor: Actor, project: Project) -> str:
    presets.create_preset(actor=actor, now=now(), project=project.slug, name="Base", settings=SAYS)
    return "base"


def said_of_preset(actor: Actor, server: Server, **changes: object) -> list[tuple[str, str]]:
    request = order_request(server, **changes)
    preview = orders.preview_order(actor=actor, now=now(), request=request)
    return [(check.level.value, check.sentence) for check in preview.checks if check.name == "preset"]


def test_an_order_keeps_the_version_it_used(base: str, actor: Actor, server: Server) -> None:
    order = placed_job(actor, server, preset="base@1", user_data=b"#!/bin/sh\n").order
    presets.add_version(actor=actor, now=now(), slug=base, base=1, settings=Settings())
    order.refresh_from_db()
    assert order.preset_version is not None and order.preset_version.reference == "base@1"
    assert AuditEvent.objects.get(action="order.placed").after["preset"] == "Base v1"


def test_the_checks_say_that_it_is_as_the_preset_says(base: str, actor: Actor, server: Server) -> None:
    # Which key pair signs in is left open by the preset.
    said = said_of_preset(actor, server, preset="base@1", user_data=b"#!/bin/sh\n")
    assert said == [("passed", "As the preset Base v1 says.")]


def test_the_checks_name_what_was_changed_and_that_there_is_a_newer_version(
    base: str, actor: Actor, server: Server
) -> None:
    presets.add_version(actor=actor, now=now(), slug=base, base=1, settings=Settings())
    assert said_of_preset(actor, server, preset="base@1", mode="") == [
        ("to_know", "Base has version 2 by now; this uses version 1."),
        ("to_know", "Different from the preset Base v1: First-boot script, If running."),
    ]
    assert said_of_preset(actor, server) == []


@pytest.mark.parametrize("text", ["nobase", "base@2", "base@0", "base@x", "base@1@1", "\x1b[31m"])
def test_a_preset_that_is_none_is_refused_by_its_field(
    text: str, base: str, actor: Actor, project: Project
) -> None:
    with pytest.raises(RuleBroken) as refused:
        preset_use.preset_in_use(actor, project.slug, text)
    [error] = refused.value.errors
    assert (error.field, error.code) == ("preset", "unknown") and "\x1b" not in error.message


def test_one_of_another_project_is_none_here(base: str, actor: Actor, project: Project) -> None:
    with pytest.raises(NotFound):
        preset_use.preset_in_use(actor, a_project("other").slug, base)


def test_retired_while_the_form_was_open_it_is_refused_and_nothing_is_placed(
    base: str, actor: Actor, server: Server
) -> None:
    presets.retire_preset(actor=actor, now=now(), slug=base)
    request = order_request(server, preset="base@1")
    with pytest.raises(RuleBroken, match=f"The preset Base was retired by {actor.name}"):
        orders.place_order(actor=actor, now=now(), request=request, submission_id=uuid.uuid4())
    assert not Order.objects.exists()
