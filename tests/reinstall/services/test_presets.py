"""Presets: made, changed by a version, retired, deleted; who may, and what the log keeps."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.presets import Settings
from reinstall.models import AuditEvent, Membership, Preset, PresetVersion, Project, Server
from reinstall.services import keys, presets
from tests.reinstall.conftest import OPERATOR, actor_for, placed_job
from tests.reinstall.rows import a_person, a_project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]

SCRIPT = b"#!/bin/sh\necho s3cret-canary\n"
SAYS = Settings(mode="withStopServer", encrypted=False, user_data=SCRIPT)


def made(actor: Actor, project: Project, name: str = "Base", settings: Settings = SAYS) -> PresetVersion:
    return presets.create_preset(
        actor=actor, now=now(), project=project.slug, name=name, settings=settings, note="first"
    )


def changed(actor: Actor, base: int, settings: Settings, **more: Any) -> PresetVersion:
    return presets.add_version(actor=actor, now=now(), slug="base", base=base, settings=settings, **more)


def test_a_preset_is_stored_sealed_and_opens_as_it_was_written(actor: Actor, project: Project) -> None:
    version = made(actor, project)
    row = PresetVersion.objects.get()
    assert presets.open_settings(row) == SAYS and str(row) == "Base v1"
    assert b"s3cret-canary" not in bytes(row.user_data_sealed)
    assert (row.user_data_bytes, row.note, version.preset.slug) == (len(SCRIPT), "first", "base")
    [entry] = AuditEvent.objects.filter(object_type="preset")
    assert (entry.action, entry.object_id, entry.project_slug) == ("preset.created", "base", project.slug)
    assert "s3cret-canary" not in str(entry.after) and entry.after["user_data"].startswith("29 B, sha256 ")


def test_a_change_is_a_new_version_and_the_old_one_stays(actor: Actor, project: Project) -> None:
    made(actor, project)
    changed(actor, 1, Settings(user_data=b"#!/bin/sh\n"), note="shorter")
    old, new = PresetVersion.objects.order_by("number")
    assert presets.open_settings(old) == SAYS and presets.open_settings(new).user_data == b"#!/bin/sh\n"
    assert Preset.objects.get().latest == 2
    entry = AuditEvent.objects.get(action="preset.changed")
    assert (entry.before["version"], entry.after["version"]) == (1, 2)


def test_of_two_who_change_it_at_once_the_second_is_told(actor: Actor, project: Project) -> None:
    made(actor, project)
    changed(actor, 1, Settings())
    with pytest.raises(Conflict, match="Base has version 2 since you opened version 1") as refused:
        changed(actor, 1, Settings(byol=True))
    assert refused.value.code == presets.STALE and PresetVersion.objects.count() == 2


def test_a_change_that_changes_nothing_is_refused(actor: Actor, project: Project) -> None:
    made(actor, project)
    with pytest.raises(RuleBroken, match="Nothing is different from version 1"):
        changed(actor, 1, SAYS)


@pytest.mark.parametrize(
    ("name", "says", "field", "sentence"),
    [
        ("", Settings(), "name", "Give the preset a name"),
        ("é" * 61, Settings(), "name", "1 to 60 characters"),
        ("日本", Settings(), "name", "needs a letter A to Z or a digit"),
        ("b", Settings(userid="7e25b1da389f4697a79df3a0e5bd494e"), "userid", "goes with a key pair"),
        ("b", Settings(keyname="ops"), "userid", "Enter the user ID"),
        ("b", Settings(encrypted=True), "cmkid", "Choose the KMS key"),
        ("b", Settings(mode="x"), "mode", "or left out"),
        ("b", Settings(user_data=b"x" * 32_769), "user_data", "32,769 bytes"),
    ],
)
def test_what_is_wrong_is_named(
    actor: Actor, project: Project, name: str, says: Settings, field: str, sentence: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        made(actor, project, name, says)
    assert [error.field for error in refused.value.errors] == [field]
    assert sentence in refused.value.errors[0].message
    assert not Preset.objects.exists()


def test_a_name_is_given_once_in_a_project_and_addresses_once_in_the_portal(
    actor: Actor, project: Project
) -> None:
    made(actor, project)
    with pytest.raises(RuleBroken, match="There is a preset Base in .* already"):
        made(actor, project)
    other = a_project("other")
    Membership.objects.create(user=User.objects.get(username=actor.name), project=other, role="requester")
    assert made(actor, other).preset.slug == "base-2"
    # The pages that make and check presets live beside them.
    assert made(actor, other, "New").preset.slug == "new-2"


def test_retired_it_makes_room_for_its_name_and_comes_back_only_where_there_is_room(
    actor: Actor, project: Project
) -> None:
    made(actor, project)
    presets.retire_preset(actor=actor, now=now(), slug="base")
    assert presets.retire_preset(actor=actor, now=now(), slug="base").retired_by_name == actor.name
    assert AuditEvent.objects.filter(action="preset.retired").count() == 1
    with pytest.raises(Conflict, match="is retired. Bring it back"):
        changed(actor, 1, Settings())
    made(actor, project)
    with pytest.raises(Conflict, match="another preset Base"):
        presets.restore_preset(actor=actor, now=now(), slug="base")
    presets.retire_preset(actor=actor, now=now(), slug="base-2")
    assert presets.restore_preset(actor=actor, now=now(), slug="base").retired_at is None


def test_what_was_used_is_never_deleted(actor: Actor, project: Project, server: Server) -> None:
    made(actor, project, settings=Settings())
    job = placed_job(actor, server, preset="base@1")
    assert str(job.order.preset_version) == "Base v1"
    with pytest.raises(Conflict, match="was used; retire it"):
        presets.delete_preset(actor=actor, now=now(), slug="base")
    made(actor, project, "Spare")
    presets.delete_preset(actor=actor, now=now(), slug="spare")
    assert [preset.slug for preset in Preset.objects.all()] == ["base"]
    assert AuditEvent.objects.filter(action="preset.deleted").count() == 1


def test_viewers_change_nothing_and_strangers_see_nothing(actor: Actor, project: Project) -> None:
    made(actor, project)
    viewer = actor_for(a_person("vera", project, role="viewer"))
    stranger = actor_for(a_person("sam"))
    for act in (presets.retire_preset, presets.restore_preset, presets.delete_preset):
        with pytest.raises(NotAllowed):
            act(actor=viewer, now=now(), slug="base")
        with pytest.raises(NotFound):
            act(actor=stranger, now=now(), slug="base")
    with pytest.raises(NotAllowed):
        made(viewer, project, "Mine")


def test_a_new_encryption_key_takes_presets_along(actor: Actor, project: Project, settings: Any) -> None:
    made(actor, project)
    old = dict(settings.ENCRYPTION_KEYS)
    settings.ENCRYPTION_KEYS = {"newer": b"n" * 32, **old}
    keys.rotate_keys(actor=OPERATOR, now=now())
    settings.ENCRYPTION_KEYS = {"newer": b"n" * 32}
    assert presets.open_settings(PresetVersion.objects.get()) == SAYS
