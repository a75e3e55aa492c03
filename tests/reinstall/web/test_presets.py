"""The pages of presets, and a preset in the reinstall form."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from reinstall.models import Job, KeyPair, Order, Preset, PresetVersion, Project, Server
from tests.reinstall.rows import a_person, a_preset, a_project
from tests.reinstall.web.conftest import filled_in, form_address

pytestmark = pytest.mark.django_db

SCRIPT = "#!/bin/sh\necho <b>hello</b>\n"


def typed(**changes: Any) -> dict[str, Any]:
    """The form of a preset as a browser sends it."""
    values = {
        "name": "Base hardening",
        "keyname": "",
        "userid": "",
        "user_data_source": "write",
        "user_data": SCRIPT.replace("\n", "\r\n"),
        "encrypted": "0",
        "byol": "false",
        "mode": "withStopServer",
        "note": "first",
    }
    return values | changes


def made(browser: Client, project: Project, **changes: Any) -> PresetVersion:
    answer = browser.post(f"/presets/new/?project={project.slug}", typed(**changes))
    assert answer.status_code == 303, re.findall(r'class="err".*', answer.content.decode())
    version = PresetVersion.objects.order_by("-id").first()
    assert version is not None
    return version


def text_of(answer: Any) -> str:
    """The page's text, tags taken out."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode()).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", text)


def test_from_an_empty_list_to_a_preset_that_is_read(browser: Client, project: Project):
    assert "No presets yet" in text_of(browser.get("/presets/"))
    assert browser.get("/presets/new/")["Location"] == f"/presets/new/?project={project.slug}"
    assert browser.get(f"/presets/new/?project={project.slug}").status_code == 200
    version = made(browser, project)
    assert version.user_data_bytes == len(SCRIPT)
    listed, page = text_of(browser.get("/presets/")), browser.get("/presets/base-hardening/")
    assert "Base hardening v1" in listed and "script of 28 B · not encrypted" in listed
    assert "28 B, hidden" in text_of(page) and "No order used it yet." in text_of(page)
    assert "hello" not in page.content.decode()
    shown = browser.post("/presets/base-hardening/v/1/script/")
    assert "echo &lt;b&gt;hello" in shown.content.decode() and shown["Cache-Control"] == "no-store"


def test_a_mistake_is_shown_with_what_was_typed(browser: Client, project: Project):
    answer = browser.post(f"/presets/new/?project={project.slug}", typed(name="", encrypted="1"))
    page = answer.content.decode()
    assert answer.status_code == 200 and "Give the preset a name" in page
    assert "Choose the KMS key that encrypts" in page and "echo &lt;b&gt;" in page
    assert not Preset.objects.exists()


def test_a_change_shows_what_is_different(browser: Client, project: Project):
    made(browser, project)
    form = browser.get("/presets/base-hardening/change/").content.decode()
    assert 'name="base" value="1"' in form and "hello" not in form and 'value="preset" checked' in form
    opened = browser.post("/presets/base-hardening/change/", {"base": "1", "action": "preset-script"})
    assert "echo &lt;b&gt;hello" in opened.content.decode() and PresetVersion.objects.count() == 1
    changes = typed(base="1", user_data="#!/bin/sh\necho bye\n", encrypted="", note="<i>politer</i>")
    assert browser.post("/presets/base-hardening/change/", changes).status_code == 303
    page = browser.get("/presets/base-hardening/v/2/")
    said = text_of(page)
    assert "First-boot script, System disk encryption." in said and "1 line added, 1 removed" in said
    assert "&lt;i&gt;politer" in page.content.decode() and "echo" not in page.content.decode()
    shown = text_of(browser.post("/presets/base-hardening/v/2/script/"))
    assert "Added: + echo bye" in shown and "Removed: − echo &lt;b&gt;hello" in shown
    assert "Not the newest" in text_of(browser.get("/presets/base-hardening/v/1/"))


def test_the_second_of_two_who_change_it_is_told_and_loses_nothing(browser: Client, project: Project):
    made(browser, project)
    browser.post("/presets/base-hardening/change/", typed(base="1", encrypted=""))
    answer = browser.post("/presets/base-hardening/change/", typed(base="1", user_data="#!/bin/sh\nmine\n"))
    page = answer.content.decode()
    assert answer.status_code == 409 and "alice saved version 2" in text_of(answer)
    assert "mine" in page and 'name="base" value="2"' in page
    again = browser.post("/presets/base-hardening/change/", typed(base="2", user_data="#!/bin/sh\nmine\n"))
    assert again.status_code == 303 and PresetVersion.objects.count() == 3


def test_a_script_that_is_no_text_is_kept_byte_for_byte_through_a_change(browser: Client, project: Project):
    raw = b"\x1f\x8b\x08\x00binary\r\n\xff"
    upload = SimpleUploadedFile("x.gz", raw)
    made(browser, project, user_data_source="upload", user_data="", user_data_file=upload)
    form = browser.get("/presets/base-hardening/change/").content.decode()
    assert re.search(r'value="preset" checked', form)
    changes = typed(base="1", user_data_source="preset", user_data="", encrypted="")
    assert browser.post("/presets/base-hardening/change/", changes).status_code == 303
    first, second = PresetVersion.objects.order_by("number")
    assert first.user_data_sha256 == second.user_data_sha256 and second.encrypted is None


def test_a_clone_starts_as_the_version_it_is_made_from(browser: Client, project: Project):
    made(browser, project)
    page = browser.get("/presets/new/?from=base-hardening@1").content.decode()
    assert "Base hardening copy" in page and 'value="preset" checked' in page and "hello" not in page
    kept = {"name": "Base hardening kept", "user_data_source": "preset", "user_data": ""}
    browser.post("/presets/new/?from=base-hardening@1", typed(**kept))
    assert len(set(PresetVersion.objects.values_list("user_data_sha256"))) == 1
    assert PresetVersion.objects.count() == 2
    answer = browser.post("/presets/new/?from=base-hardening@1", typed(name="Base hardening copy"))
    assert answer["Location"] == "/presets/base-hardening-copy/"


def test_retired_brought_back_and_deleted(browser: Client, project: Project):
    made(browser, project)
    assert "Retired by alice" in text_of(browser.post("/presets/base-hardening/retire/", follow=True))
    assert "Base hardening" in text_of(browser.get("/presets/?tab=retired"))
    assert browser.get("/presets/base-hardening/change/").status_code == 200
    assert browser.post("/presets/base-hardening/change/", typed(base="1", byol="true")).status_code == 409
    browser.post("/presets/base-hardening/restore/")
    assert "was deleted" in text_of(browser.post("/presets/base-hardening/delete/", follow=True))


def test_viewers_read_no_script_and_strangers_nothing(browser: Client, project: Project):
    made(browser, project)
    viewer, stranger = Client(), Client()
    viewer.force_login(a_person("vera", project, role="viewer"))
    stranger.force_login(a_person("sam", a_project("other")))
    page = viewer.get("/presets/base-hardening/")
    assert "28 B, hidden" in text_of(page) and "echo" not in page.content.decode()
    assert viewer.get("/presets/base-hardening/change/").status_code == 403
    assert viewer.get("/presets/new/?from=base-hardening").status_code == 403
    assert viewer.get(f"/presets/new/?project={project.slug}").status_code == 403
    for address in ("/presets/base-hardening/", "/presets/base-hardening/v/1/"):
        assert stranger.get(address).status_code == 404
    assert stranger.get(f"/presets/new/?project={project.slug}").status_code == 404
    assert stranger.post("/presets/base-hardening/retire/").status_code == 404
    for number in (0, 9, 10**40):
        assert browser.get(f"/presets/base-hardening/v/{number}/").status_code == 404
        assert browser.get(f"/presets/new/?from=base-hardening@{number}").status_code == 404


def test_a_preset_fills_in_the_form_and_loses_nothing_that_was_typed(browser: Client, server: Server):
    key = KeyPair.objects.filter(project=server.project).order_by("-name")[0]
    made(browser, server.project, keyname=key.name, userid=key.userid)
    assert "Preset: Base hardening v1" in browser.get(form_address(server)).content.decode()
    values = filled_in(browser, server, action="preset", preset_choice="base-hardening@1", reason="OPS-9")
    page = browser.post(form_address(server), values).content.decode()
    assert 'name="preset" value="base-hardening@1"' in page and 'value="OPS-9"' in page
    assert re.search(rf'<option value="{key.name}"[^>]* selected>', page)
    assert re.search(r'name="user_data_source" value="preset" checked', page)
    assert "As the preset Base hardening v1 says." in page and not Order.objects.exists()


def mark_of(html: str) -> str:
    """What a form carries since its person was shown the preset's script."""
    found = re.search(r'name="script_shown" value="([^"]+)"', html)
    assert found
    return found[1]


def used(browser: Client, server: Server, **changes: Any) -> Any:
    """The form sent with the preset in use."""
    values = filled_in(browser, server, preset="base-hardening@1", user_data_source="preset", encrypted="0")
    return browser.post(form_address(server), values | changes)


def test_the_order_has_the_presets_script_and_the_job_names_it(browser: Client, server: Server):
    version = made(browser, server.project)
    assert used(browser, server).status_code == 303
    order = Order.objects.get()
    assert order.user_data_sha256 == version.user_data_sha256 and order.preset_version == version
    page = text_of(browser.get(f"/jobs/{Job.objects.get().pk}/"))
    assert "Preset Base hardening v1 Key pair" in page
    assert "by 1 order" in text_of(browser.get("/presets/"))
    assert f"Order {order.pk} , v1: 1 server, alice" in text_of(browser.get("/presets/base-hardening/"))


def test_what_was_changed_from_the_preset_is_named_before_and_after(browser: Client, server: Server):
    made(browser, server.project)
    mine = {"user_data_source": "write", "user_data": "#!/bin/sh\necho mine\n", "byol": "true"}
    page = text_of(used(browser, server, action="check", **mine))
    assert "Different from the preset Base hardening v1: First-boot script, License." in page
    assert "hello" not in page and "Removed:" not in page, "nobody was shown it yet"
    shown = mark_of(used(browser, server, action="preset-script").content.decode())
    page = text_of(used(browser, server, action="check", script_shown=shown, **mine))
    assert "Added: + echo mine" in page and "Removed: − echo" in page
    assert used(browser, server, **mine).status_code == 303
    job = text_of(browser.get(f"/jobs/{Job.objects.get().pk}/"))
    assert "Base hardening v1 , changed: First-boot script, License" in job


def test_a_copy_of_its_script_can_be_edited(browser: Client, server: Server):
    made(browser, server.project)
    page = used(browser, server, action="preset-script").content.decode()
    assert re.search(r'name="user_data_source" value="write" checked', page)
    assert "echo &lt;b&gt;hello" in page


def test_taking_none_again_leaves_the_rest(browser: Client, server: Server):
    made(browser, server.project)
    page = used(browser, server, action="preset", preset_choice="").content.decode()
    assert 'name="preset"' not in page.replace('name="preset_choice"', "")
    assert re.search(r'name="user_data_source" value="none" checked', page)


def test_retired_meanwhile_it_is_refused_beside_the_list(browser: Client, server: Server):
    made(browser, server.project)
    browser.post("/presets/base-hardening/retire/")
    answer = used(browser, server)
    page = answer.content.decode()
    assert answer.status_code == 200 and "The preset Base hardening was retired by alice." in page
    assert '<a href="#id_preset">' in page and 'id="id_preset-error"' in page
    assert not Order.objects.exists()


def test_a_preset_of_another_project_cannot_be_used(browser: Client, server: Server):
    a_preset(a_project("other"), "theirs")
    values = filled_in(browser, server, preset="theirs@1")
    assert "There is no preset theirs@1 in" in browser.post(form_address(server), values).content.decode()
    assert not Order.objects.exists()


def test_without_a_preset_there_is_no_script_from_one(browser: Client, server: Server):
    values = filled_in(browser, server, user_data_source="preset")
    assert "No preset is in use here." in browser.post(form_address(server), values).content.decode()
    assert not Order.objects.exists()
