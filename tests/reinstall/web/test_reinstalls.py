"""The reinstall form: what it shows, what it refuses, and that one decision makes one job."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.models import Job, KeyPair, KmsKey, Membership, Order, Project, Server
from reinstall.services.requests import spec_of_order
from reinstall.web import once
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, finished, free_servers, placed_job
from tests.reinstall.web.conftest import filled_in, form_address, once_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]


def test_the_form_names_what_is_wiped_and_what_stays_disk_by_disk(browser: Client, server: Server) -> None:
    html = browser.get(form_address(server)).content.decode()
    for disk in server.disks.all():
        assert f'title="{disk.volume_id}"' in html
    assert html.count('class="disk wipe"') == 1
    assert html.count('class="disk keep"') == server.disks.count() - 1
    assert f"Wipe and reinstall {server.name}" in html


def test_the_form_shows_the_exact_request_before_anything_is_placed(browser: Client, server: Server) -> None:
    data = filled_in(browser, server, action="check", user_data_source="write", user_data="secret: hunter2")
    html = browser.post(form_address(server), data).content.decode()
    assert f"/v2/{server.project.project_id}/cloudservers/{server.pk}/reinstallos" in html
    assert "hidden: 15 B, sha256" in html
    preview = html[html.index('id="preview"') :]
    assert "hunter2" not in preview
    assert not Order.objects.exists()


def test_a_right_form_makes_one_job_and_leads_to_it(browser: Client, server: Server) -> None:
    answer = browser.post(form_address(server), filled_in(browser, server))
    job = Job.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert (job.server_id, job.order.reason) == (server.pk, "OPS-4417")


def test_f62_the_back_button_and_a_reload_of_the_post_make_one_job(
    browser: Client, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    data = filled_in(browser, server)
    answers = [browser.post(form_address(server), data) for _ in range(3)]
    job = Job.objects.get()
    finished(job, clock, simulator)
    answers.append(browser.post(form_address(server), data))
    assert {answer["Location"] for answer in answers} == {f"/jobs/{job.pk}/"}
    assert Job.objects.count() == len(simulator.accepted()) == 1


def test_f62_two_tabs_with_forms_of_their_own_make_one_job(
    browser: Client, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    tabs = [filled_in(browser, server), filled_in(browser, server)]
    assert tabs[0]["once"] != tabs[1]["once"]
    first, second = (browser.post(form_address(server), data) for data in tabs)
    job = Job.objects.get()
    assert first["Location"] == f"/jobs/{job.pk}/"
    assert f"held by job #{job.pk}".encode() in second.content
    finished(job, clock, simulator)
    assert len(simulator.accepted()) == 1


def test_typed_text_arrives_with_lf_and_a_file_byte_for_byte(browser: Client, project: Project) -> None:
    first, second = free_servers(project)[:2]
    typed = filled_in(browser, first, user_data_source="write", user_data="#!/bin/sh\r\necho hello\r\n")
    browser.post(form_address(first), typed)
    raw = b"#cloud-config\r\nhostname: caf\xe9\r\n"
    file = SimpleUploadedFile("boot.yaml", raw)
    browser.post(
        form_address(second), filled_in(browser, second, user_data_source="upload", user_data_file=file)
    )
    scripts = [spec_of_order(job.order).user_data for job in Job.objects.order_by("id")]
    assert scripts == [b"#!/bin/sh\necho hello\n", raw]


def test_a_script_that_was_switched_off_again_is_not_sent(browser: Client, server: Server) -> None:
    browser.post(
        form_address(server), filled_in(browser, server, user_data="echo no", user_data_source="none")
    )
    assert Order.objects.get().user_data_bytes == 0


WRONG = {
    "keyname": ({"keyname": ""}, "Choose the key pair"),
    "unknown keyname": ({"keyname": "nobody-has-this"}, "There is no key pair nobody-has-this"),
    "userid": ({"userid": "not-hex"}, "A user ID has 32 characters"),
    "mode": ({"mode": "now"}, "Mode is"),
    "encrypted": ({"encrypted": "2"}, "Encryption is"),
    "cmkid": ({"encrypted": "1"}, "Choose the KMS key"),
    "byol": ({"byol": "maybe"}, "byol is true or false."),
    "byol as of a checkbox": ({"byol": "on"}, "byol is true or false."),
    "byol in capitals": ({"byol": "False"}, "byol is true or false."),
    "reason": ({"reason": "x" * 501}, "500 is the most"),
    "confirm": ({"confirm": "wrong-name"}, "Type the server name exactly as shown"),
    "user_data": (
        {"user_data_source": "write", "user_data": "é" * 16_385},
        "The first-boot script has 32,770 bytes, 2 too many.",
    ),
    "NUL in keyname": ({"keyname": "a\0b"}, "A key pair name has 1 to 64 letters"),
    "NUL in reason": ({"reason": "a\0b"}, "The reason holds control characters"),
    "NUL in user_data": (
        {"user_data_source": "write", "user_data": "#!/bin/sh\0"},
        "The first-boot script holds a NUL byte.",
    ),
    "no file": ({"user_data_source": "upload"}, "Choose the script file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_field_says_what_would_be_right(
    name: str, browser: Client, server: Server, simulator: RunningSimulator
) -> None:
    changes, sentence = WRONG[name]
    data = filled_in(browser, server, **changes)
    asked_before = len(simulator.ledger()["requests"])
    answer = browser.post(form_address(server), data)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<title>Error: " in html
    summary = html[html.index('id="error-summary"') : html.index('id="reinstall-form"')]
    assert sentence in summary
    assert html.count(sentence) >= 2, "the sentence stands in the summary and beside the field"
    assert not Job.objects.exists()
    assert len(simulator.ledger()["requests"]) == asked_before
    assert once_of(html) != data["once"]


@pytest.mark.parametrize("changes", [{"byol": "maybe"}, {"encrypted": "2"}])
def test_no_request_is_shown_for_a_value_that_says_nothing(
    browser: Client, server: Server, changes: dict[str, str]
) -> None:
    right = browser.post(f"{form_address(server)}check/", filled_in(browser, server)).json()["html"]
    assert "reinstallos" in right["preview"]
    data = filled_in(browser, server, **changes)
    wrong = browser.post(f"{form_address(server)}check/", data).json()["html"]
    assert "reinstallos" not in wrong["preview"]
    assert WRONG[next(iter(changes))][1] in wrong["checks"]
    page = browser.post(form_address(server), data | {"action": "check"}).content.decode()
    assert "/reinstallos" not in page
    if "byol" in changes:
        assert not re.search(r'name="byol" value="\w+" checked', page), "neither licence is chosen for them"


@pytest.mark.parametrize(("typed", "taken"), [("true", True), ("false", False), ("", False), (None, False)])
def test_the_license_is_taken_as_it_was_said(
    browser: Client, server: Server, typed: str | None, taken: bool
) -> None:
    data = filled_in(browser, server, byol=typed)
    said = {name: value for name, value in data.items() if value is not None}
    assert browser.post(form_address(server), said).status_code == 303
    assert Order.objects.get().byol is taken


def test_32768_bytes_are_taken(browser: Client, server: Server) -> None:
    data = filled_in(browser, server, user_data_source="write", user_data="é" * 16_384)
    assert browser.post(form_address(server), data).status_code == 303


def test_what_was_typed_is_kept_but_for_the_file_which_is_named(browser: Client, server: Server) -> None:
    file = SimpleUploadedFile("boot.sh", b"#!/bin/sh\n")
    changes = {
        "confirm": "wrong",
        "reason": "OPS-77 <b>",
        "user_data_source": "upload",
        "user_data_file": file,
    }
    html = browser.post(form_address(server), filled_in(browser, server, **changes)).content.decode()
    assert 'value="OPS-77 &lt;b&gt;"' in html
    assert "Choose boot.sh again" in html
    assert 'value="upload" checked' in html


def test_a_typed_script_too_large_to_read_is_told_the_limit(browser: Client, server: Server) -> None:
    data = filled_in(browser, server, user_data_source="write", user_data="x" * 300_000)
    answer = browser.post(form_address(server), data)
    assert answer.status_code == 413
    assert b"A first-boot script has at most 32,768 bytes" in answer.content
    assert b"Nothing was sent." in answer.content
    assert not Job.objects.exists()


def test_a_file_far_too_large_is_refused_by_name(browser: Client, server: Server) -> None:
    file = SimpleUploadedFile("big.img", b"x" * 1_000_001)
    data = filled_in(browser, server, user_data_source="upload", user_data_file=file)
    assert b"big.img has 1,000,001 bytes" in browser.post(form_address(server), data).content
    assert not Job.objects.exists()


def test_a_page_copied_script_is_warned_about(browser: Client, server: Server) -> None:
    data = filled_in(
        browser, server, action="check", user_data_source="write", user_data="#!/bin/sh\necho a &gt; b"
    )
    assert b"HTML entity &amp;gt;" in browser.post(form_address(server), data).content


def test_f64_a_held_server_says_by_which_job(browser: Client, server: Server, actor: Actor) -> None:
    data = filled_in(browser, server)
    held_by = placed_job(actor, server)
    html = browser.post(form_address(server), data).content.decode()
    assert f"held by job #{held_by.pk}" in html
    assert f'href="/jobs/{held_by.pk}/"' in html
    assert Job.objects.count() == 1


@pytest.mark.parametrize("key", ["", "forged:key", "of another server"])
def test_a_key_that_does_not_fit_sends_nothing_and_keeps_the_form(
    key: str, browser: Client, project: Project
) -> None:
    server, other = free_servers(project)[:2]
    if key == "of another server":
        key = once_of(browser.get(form_address(other)).content.decode())
    html = browser.post(form_address(server), filled_in(browser, server, once=key)).content.decode()
    assert "Nothing was sent. Look it over" in html
    assert 'value="OPS-4417"' in html
    assert not Job.objects.exists()


def test_a_form_older_than_two_hours_sends_nothing(browser: Client, server: Server, rf: Any) -> None:
    request = rf.get("/")
    request.user, request.session = User.objects.get(username="alice"), browser.session
    key = once.new_once(request, server.pk)
    assert once.submission_of(request, server.pk, key)
    made = signing.loads(key, salt=once._SALT)
    old = _signed_at(made, timezone.now() - timedelta(seconds=once.MAX_AGE_S + 60))
    html = browser.post(form_address(server), filled_in(browser, server, once=old)).content.decode()
    assert "opened more than two hours ago" in html
    assert not Job.objects.exists()


def _signed_at(made: dict[str, Any], moment: Any) -> str:
    """The same key as `signing.dumps` would have made it at another time."""
    payload = signing.b64_encode(signing.JSONSerializer().dumps(made)).decode()
    value = f"{payload}:{signing.b62_encode(int(moment.timestamp()))}"
    return f"{value}:{signing.TimestampSigner(salt=once._SALT).signature(value)}"


def test_another_person_cannot_send_a_key_that_is_not_theirs(browser: Client, server: Server) -> None:
    data = filled_in(browser, server)
    bob = User.objects.create_user("bob", password="correct horse battery")
    Membership.objects.create(user=bob, project=server.project, role=Membership.Role.REQUESTER)
    second = Client()
    second.force_login(bob)
    assert b"Nothing was sent" in second.post(form_address(server), data).content
    assert not Job.objects.exists()


def test_a_viewer_is_told_which_right_is_missing(stranger: Client, user: User, server: Server) -> None:
    Membership.objects.create(user=user, project=server.project, role=Membership.Role.VIEWER)
    answer = stranger.get(form_address(server))
    assert answer.status_code == 403
    assert b"need the role requester" in answer.content


def test_a_server_of_others_does_not_exist(stranger: Client, server: Server) -> None:
    assert stranger.get(form_address(server)).status_code == 404
    assert stranger.get(form_address(server).replace(str(server.pk), str(uuid.uuid4()))).status_code == 404


def test_the_live_check_answers_with_fragments_of_the_page(browser: Client, server: Server) -> None:
    data = filled_in(browser, server, encrypted="1")
    html = browser.post(f"{form_address(server)}check/", data).json()["html"]
    assert set(html) == {"checks", "preview", "script-warnings"}
    assert "Choose the KMS key" in html["checks"]
    key = KmsKey.objects.filter(project=server.project, state=KmsKey.ENABLED)[0]
    data["cmkid"] = key.key_id
    html = browser.post(f"{form_address(server)}check/", data).json()["html"]
    assert key.key_id in html["preview"]
    assert not Order.objects.exists()


def test_a_key_pair_of_two_users_is_chosen_for_the_right_one(browser: Client, server: Server) -> None:
    key = KeyPair.objects.filter(project=server.project).order_by("name")[0]
    KeyPair.objects.create(project=server.project, name=key.name, userid="f" * 32, seen_at=timezone.now())
    html = browser.post(
        form_address(server), filled_in(browser, server, userid="f" * 32, confirm="")
    ).content.decode()
    assert f'data-userid="{"f" * 32}" selected' in html
    assert html.count("selected>") == html.count(f'data-userid="{"f" * 32}" selected')


def test_names_from_the_cloud_are_text(browser: Client, server: Server, simulator: RunningSimulator) -> None:
    with simulator.lock:
        simulator.world.servers[str(server.pk)].name = "<svg onload=alert(1)>"
    html = browser.get(form_address(server)).content.decode()
    assert "<svg onload" not in html
    assert "&lt;svg onload=alert(1)&gt;" in html


def test_a_page_that_went_stale_places_nothing_and_says_what_changed(
    browser: Client, server: Server, simulator: RunningSimulator
) -> None:
    data = filled_in(browser, server)
    Server.objects.filter(pk=server.pk).update(status="SHUTOFF")
    with simulator.lock:
        simulator.world.servers[str(server.pk)].status = "SHUTOFF"
    answer = browser.post(form_address(server), data)
    html = answer.content.decode()
    assert answer.status_code == 200 and not Order.objects.exists()
    assert f"{server.name} changed since you looked at it: it was running and is stopped now." in html
    again = data | {"once": once_of(html), "seen": hidden(html, "seen")}
    assert browser.post(form_address(server), again).status_code == 303


def test_the_form_shows_the_server_as_the_cloud_says_it_is_now(
    browser: Client, server: Server, simulator: RunningSimulator
) -> None:
    disk = server.disks.get(boot_index=0)
    with simulator.lock:
        simulator.world.volumes[disk.volume_id].cmk_id = next(iter(simulator.world.kms_keys))
    html = browser.get(form_address(server)).content.decode()
    assert "Asked the cloud just now." in html
    assert "may come back in clear text. Choose to encrypt it, or choose not to." in html


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found
    return found[1]
