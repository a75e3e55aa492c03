"""The script of a preset: hidden on its page and in forms, shown or edited by the rules of any script."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.presets import Settings
from reinstall.domain.throttles import DEFAULTS, Kind, Limit
from reinstall.models import AuditEvent, Membership, PresetVersion, Project, Server
from reinstall.services.presets import add_version, create_preset
from tests.reinstall.rows import a_person, an_actor
from tests.reinstall.signing import PASSWORD, code_of, signed_in, with_app
from tests.reinstall.web.conftest import filled_in, form_address
from tests.reinstall.web.test_presets import mark_of, text_of, typed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]

SCRIPT = b"#!/bin/sh\nexport DB_PASSWORD=s3cret-canary\n"
PAGE, CHANGE = "/presets/base/", "/presets/base/change/"
EDIT = {"action": "preset-script", "user_data_source": "preset", "base": "1"}


@pytest.fixture
def preset(requester: User, project: Project) -> PresetVersion:
    """alice's preset base in shop-prod, whose script holds a password."""
    return create_preset(
        actor=an_actor(requester),
        now=timezone.now(),
        project=project.slug,
        name="Base",
        settings=Settings(user_data=SCRIPT, mode="withStopServer"),
    )


def entries() -> list[Any]:
    return list(
        AuditEvent.objects.filter(action="preset.script_revealed")
        .order_by("pk")
        .values_list("after", flat=True)
    )


def shows(answer: Any) -> bool:
    return b"s3cret-canary" in answer.content


def test_its_page_tells_size_digest_and_that_a_secret_is_in_it(
    preset: PresetVersion, browser: Client
) -> None:
    answer = browser.get(PAGE)
    said = text_of(answer)
    assert not shows(answer) and "43 B, hidden" in said and preset.user_data_sha256 in answer.content.decode()
    assert "Line 2 looks like a password." in said and "Show the script" in said
    assert entries() == []


def test_shown_by_a_button_and_written_down(preset: PresetVersion, browser: Client) -> None:
    answer = browser.post(f"{PAGE}v/1/script/")
    assert shows(answer) and answer["Cache-Control"] == "no-store"
    assert entries() == [{"v1": f"43 B, sha256 {preset.user_data_sha256}"}]
    assert browser.get(f"{PAGE}v/1/script/").status_code == 405
    assert browser.post(f"{PAGE}v/2/script/").status_code == 404
    assert browser.post(f"{PAGE}v/{10**40}/script/").status_code == 404


@pytest.mark.parametrize(("role", "may"), [("approver", True), ("viewer", False), ("auditor", False)])
def test_the_button_is_there_for_whom_it_works(
    role: str, may: bool, preset: PresetVersion, project: Project
) -> None:
    client = signed_in(a_person("anna", project, role=role))
    said = text_of(client.get(PAGE))
    assert ("Show the script" in said) == may and ("looks like a password" in said) == may
    assert shows(client.post(f"{PAGE}v/1/script/")) == may
    assert len(entries()) == may


def test_a_version_without_a_script_says_so(preset: PresetVersion, requester: User, browser: Client) -> None:
    none = Settings(mode="withStopServer")
    add_version(actor=an_actor(requester), now=timezone.now(), slug="base", base=1, settings=none)
    assert "Show the script" not in text_of(browser.get(PAGE))
    answer = browser.post(f"{PAGE}v/2/script/", follow=True)
    assert "Base v2 has no first-boot script." in text_of(answer) and entries() == []


@pytest.mark.parametrize("address", [CHANGE, "/presets/new/?from=base"])
def test_a_form_has_it_only_after_its_button(address: str, preset: PresetVersion, browser: Client) -> None:
    before = browser.get(address)
    assert not shows(before) and "Edit a copy" in text_of(before) and entries() == []
    answer = browser.post(address, typed(**EDIT, name="Other", note="mine", user_data=""))
    assert shows(answer) and 'value="mine"' in answer.content.decode()
    assert len(entries()) == 1 and PresetVersion.objects.count() == 1
    assert browser.get(address).status_code == 200 and len(entries()) == 1


def test_an_old_proof_keeps_the_form_and_shows_nothing(preset: PresetVersion, requester: User) -> None:
    Project.objects.update(environment="staging")
    requester.set_password(PASSWORD)
    requester.save()
    secret, _ = with_app(requester)
    client = signed_in(requester, proved_at=timezone.now() - timedelta(minutes=9))
    answer = client.post(CHANGE, typed(**EDIT, note="typed before"))
    assert answer["Location"] == f"/sign-in/again/?next={CHANGE}"
    client.post("/sign-in/again/", {"code": code_of(secret), "next": CHANGE})
    again = client.get(CHANGE)
    assert 'value="typed before"' in again.content.decode() and not shows(again) and entries() == []
    assert shows(client.post(CHANGE, typed(**EDIT))) and len(entries()) == 1


def test_a_script_a_text_field_would_change_is_not_offered_for_editing(
    preset: PresetVersion, requester: User, browser: Client
) -> None:
    lines = Settings(user_data=SCRIPT.replace(b"\n", b"\r\n"), mode="withStopServer")
    add_version(actor=an_actor(requester), now=timezone.now(), slug="base", base=1, settings=lines)
    assert "Edit a copy" not in text_of(browser.get(CHANGE))


def in_form(browser: Client, server: Server, **changes: Any) -> Any:
    """The reinstall form with the preset in use."""
    values = filled_in(browser, server, preset="base@1", user_data_source="preset", encrypted="0")
    return browser.post(form_address(server), values | changes)


MINE = {"user_data_source": "write", "user_data": "#!/bin/sh\necho mine\n"}


def test_in_the_reinstall_form_too(preset: PresetVersion, browser: Client, server: Server) -> None:
    assert not shows(in_form(browser, server, action="check"))
    assert not shows(in_form(browser, server, action="check", **MINE)), "a difference quotes both"
    answer = in_form(browser, server, action="preset-script")
    assert shows(answer) and len(entries()) == 1
    mark = mark_of(answer.content.decode())
    assert shows(in_form(browser, server, action="check", script_shown=mark, **MINE))
    assert len(entries()) == 1


def test_a_mark_is_good_for_one_person_and_one_version(
    preset: PresetVersion, browser: Client, requester: User, server: Server
) -> None:
    mark = mark_of(in_form(browser, server, action="preset-script").content.decode())
    other = signed_in(a_person("anna", server.project, role=Membership.Role.REQUESTER))
    for made in (mark, mark[:-1] + "x", "nonsense"):
        assert not shows(in_form(other, server, action="check", script_shown=made, **MINE))
    newer = Settings(user_data=SCRIPT + b"# more\n", mode="withStopServer")
    add_version(actor=an_actor(requester), now=timezone.now(), slug="base", base=1, settings=newer)
    values = MINE | {"script_shown": mark, "preset": "base@2"}
    assert not shows(in_form(browser, server, action="check", **values))


def test_beyond_the_limit_the_form_comes_back_with_the_reason(
    preset: PresetVersion, browser: Client, server: Server, settings: Any
) -> None:
    settings.THROTTLES = {**DEFAULTS, Kind.REVEAL: Limit(1, 3600)}
    assert shows(browser.post(f"{PAGE}v/1/script/"))
    for answer in (
        in_form(browser, server, action="preset-script", reason="OPS-77"),
        browser.post(CHANGE, typed(**EDIT, note="OPS-77")),
        browser.post(f"{PAGE}v/1/script/", follow=True),
    ):
        assert "more than 1 an hour, the limit for scripts shown here" in text_of(answer)
        assert not shows(answer)
    assert len(entries()) == 1
