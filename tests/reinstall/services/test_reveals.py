"""A script is shown to a person with the right and a fresh proof, once it is written down; to nobody else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Source
from reinstall.domain.errors import (
    Conflict,
    NeedsProof,
    NeedsSecondFactor,
    NotAllowed,
    NotFound,
    NotRecorded,
    RuleBroken,
    TooMany,
)
from reinstall.domain.states import JobState
from reinstall.domain.throttles import DEFAULTS, Kind, Limit
from reinstall.models import AuditEvent, Job, Order, PresetVersion, Project
from reinstall.services import reveals, vault
from reinstall.services.forgetting import forget_secrets
from reinstall.services.presets import script_place
from reinstall.services.requests import user_data_place
from tests.reinstall.rows import T0, a_job, a_person, a_preset, a_project, a_server, an_actor, an_order
from tests.reinstall.unrecorded import audit_log_full

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]

SCRIPT = b"#!/bin/sh\r\necho s3cret-canary \xff\n"


def with_script(order: Order, script: bytes = SCRIPT) -> Order:
    order.user_data_sealed = vault.seal_text(script, place=user_data_place(order))
    order.user_data_bytes = len(script)
    order.save()
    return order


@pytest.fixture
def job(shop: Project, bob: User) -> Job:
    """An ended job of bob's in shop, placed with SCRIPT."""
    return a_job(with_script(an_order(shop, bob)), a_server(shop), JobState.SUCCEEDED, ended_at=T0)


def shown(person: User, job: Job, **changes: Any) -> reveals.Revealed:
    return reveals.reveal_script(actor=an_actor(person, **changes), now=now(), job_id=job.pk)


def entries() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action__endswith=".script_revealed").order_by("pk"))


def test_it_is_shown_byte_for_byte_and_written_down_without_what_it_says(job: Job, bob: User) -> None:
    script = shown(bob, job, address="192.0.2.7", request_id="r-9")
    assert script.raw == SCRIPT and script.size == len(SCRIPT)
    assert script.text == "#!/bin/sh\r\necho s3cret-canary \N{REPLACEMENT CHARACTER}\n"
    [entry] = entries()
    assert (entry.action, entry.object_id, entry.project_slug) == ("job.script_revealed", str(job.pk), "shop")
    assert (entry.actor_name, entry.address, entry.request_id) == ("bob", "192.0.2.7", "r-9")
    assert entry.after == {"user_data": f"{len(SCRIPT)} B, sha256 {script.sha256}"}
    assert "s3cret" not in repr(script) + str(vars(entry)), "not where objects are logged either"


def test_each_time_is_written_down(job: Job, bob: User) -> None:
    shown(bob, job)
    shown(bob, job)
    assert len(entries()) == 2


@pytest.mark.parametrize("role", ["requester", "approver", "operator", "admin"])
def test_who_sends_it_or_agrees_to_it_may_see_it(role: str, job: Job, shop: Project) -> None:
    assert shown(a_person("anna", shop, role=role), job).raw == SCRIPT


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_may_only_look_is_refused(role: str, job: Job, shop: Project) -> None:
    person = a_person("vera", shop, role=role)
    with pytest.raises(NotAllowed, match="in shop needs the role requester or approver"):
        shown(person, job)
    assert entries() == []


def test_a_stranger_is_told_there_is_no_such_job(job: Job) -> None:
    stranger = a_person("sam", a_project("other"), role="admin")
    with pytest.raises(NotFound):
        shown(stranger, job)
    with pytest.raises(NotFound):
        reveals.reveal_script(actor=an_actor(stranger), now=now(), job_id=10**9)
    assert entries() == []


def test_a_token_is_shown_none_whatever_its_scopes(job: Job, bob: User) -> None:
    token = {"source": Source.TOKEN, "token_id": 1, "scopes": frozenset({"read", "request"})}
    with pytest.raises(NotAllowed, match="A token is shown no script"):
        shown(bob, job, **token)
    admin = User.objects.create_superuser("root")
    with pytest.raises(NotAllowed, match="A token is shown no script"):
        shown(admin, job, **token)
    assert entries() == []


def test_it_takes_a_proof_of_the_last_five_minutes(job: Job, bob: User) -> None:
    with pytest.raises(NeedsProof):
        shown(bob, job, proved_at=now() - timedelta(minutes=5, seconds=1))
    with pytest.raises(NeedsSecondFactor):
        shown(bob, job, second_factor=False)
    assert entries() == []
    assert shown(bob, job, proved_at=now() - timedelta(minutes=4)).raw == SCRIPT


def test_a_simulated_project_asks_for_no_proof(bob: User) -> None:
    toy = a_project("toy", environment="simulator")
    person = a_person("tom", toy)
    job = a_job(with_script(an_order(toy, person)), a_server(toy))
    assert shown(person, job, second_factor=False, proved_at=None).raw == SCRIPT
    assert len(entries()) == 1, "recorded all the same"


def test_what_cannot_be_written_down_is_not_shown(job: Job, bob: User) -> None:
    with audit_log_full("job.script_revealed"), pytest.raises(NotRecorded):
        shown(bob, job)


def test_after_its_days_there_is_only_its_size(job: Job, bob: User, settings: Any) -> None:
    settings.KEEP_SECRETS_DAYS = 30
    assert forget_secrets(now=T0 + timedelta(days=31)) == 1
    with pytest.raises(Conflict, match="was deleted after 30 days, as set by ECSPORTAL_KEEP") as gone:
        shown(bob, job)
    assert gone.value.code == reveals.FORGOTTEN and entries() == []


def test_where_there_was_none_that_is_said(shop: Project, bob: User) -> None:
    with pytest.raises(Conflict, match="has no first-boot script") as none:
        shown(bob, a_job(an_order(shop, bob), a_server(shop)))
    assert none.value.code == reveals.NONE and entries() == []


def test_what_does_not_open_says_so_and_is_not_written_down_as_shown(job: Job, bob: User) -> None:
    Order.objects.update(user_data_sealed=b"moved from another row")
    with pytest.raises(RuleBroken, match="does not open: ECSPORTAL_ENCRYPTION_KEYS lacks"):
        shown(bob, job)
    assert entries() == []


def test_one_person_is_shown_so_many_an_hour_and_another_their_own(
    job: Job, bob: User, shop: Project, settings: Any
) -> None:
    assert DEFAULTS[Kind.REVEAL] == Limit(30, 3600)
    settings.THROTTLES = {**DEFAULTS, Kind.REVEAL: Limit(2, 3600)}
    shown(bob, job)
    shown(bob, job)
    with pytest.raises(TooMany, match="more than 2 an hour, the limit for scripts shown here. Go on in "):
        shown(bob, job)
    assert len(entries()) == 2
    assert shown(a_person("anna", shop), job).raw == SCRIPT


@pytest.fixture
def versions(shop: Project) -> list[PresetVersion]:
    """Two versions of a preset of shop with a script each, and a third without."""
    preset = a_preset(shop, "base")
    rows = [preset.versions.get()]
    for number in (2, 3):
        rows.append(preset.versions.create(number=number, created_at=T0, created_by_name="bob"))
    for row, script in zip(rows, (b"#!/bin/sh\necho one\n", SCRIPT), strict=False):
        row.user_data_sealed = vault.seal_text(script, place=script_place(row))
        row.user_data_bytes = len(script)
        row.save()
    return rows


def shown_of_preset(person: User, number: int, **more: Any) -> reveals.Revealed:
    return reveals.reveal_preset_script(actor=an_actor(person), now=now(), slug="base", number=number, **more)


def test_a_presets_script_is_shown_by_the_same_rules(versions: list[PresetVersion], bob: User) -> None:
    script = shown_of_preset(bob, 2)
    assert (script.raw, script.before) == (SCRIPT, b"")
    [entry] = entries()
    assert (entry.action, entry.object_id, list(entry.after)) == ("preset.script_revealed", "base", ["v2"])
    actor = an_actor(bob)
    for refused, error in (
        (replace(actor, proved_at=None), NeedsProof),
        (replace(actor, source=Source.TOKEN, scopes=frozenset({"read", "request"})), NotAllowed),
        (an_actor(a_person("vera", versions[0].preset.project, role="viewer")), NotAllowed),
        (an_actor(a_person("sam", a_project("other"))), NotFound),
    ):
        with pytest.raises(error):
            reveals.reveal_preset_script(actor=refused, now=now(), slug="base", number=2)
    assert len(entries()) == 1


def test_a_difference_shows_two_scripts_and_its_entry_names_both(
    versions: list[PresetVersion], bob: User
) -> None:
    script = shown_of_preset(bob, 2, compared=True)
    assert (script.raw, script.before) == (SCRIPT, b"#!/bin/sh\necho one\n")
    assert sorted(entries()[0].after) == ["v1", "v2"]
    assert shown_of_preset(bob, 1, compared=True).before == b""
    assert list(entries()[1].after) == ["v1"]


def test_a_version_without_a_script_or_that_is_not_there(versions: list[PresetVersion], bob: User) -> None:
    with pytest.raises(Conflict, match="base v3 has no first-boot script"):
        shown_of_preset(bob, 3)
    for number in (0, 4):
        with pytest.raises(NotFound):
            shown_of_preset(bob, number)
    assert entries() == []
