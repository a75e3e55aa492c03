"""The first-boot script on the form: size, what it is read as, findings by line; and the masked preview."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from reinstall.models import Order, Server
from tests.reinstall.web.conftest import filled_in, form_address

pytestmark = pytest.mark.django_db


def checked(browser: Client, server: Server, **changes: Any) -> dict[str, str]:
    """The fragments of the live check."""
    answer = browser.post(f"{form_address(server)}check/", filled_in(browser, server, **changes))
    html: dict[str, str] = answer.json()["html"]
    return html


def written(browser: Client, server: Server, text: str) -> str:
    return checked(browser, server, user_data_source="write", user_data=text)["script-warnings"]


def uploaded(browser: Client, server: Server, name: str, raw: bytes) -> str:
    file = SimpleUploadedFile(name, raw)
    return checked(browser, server, user_data_source="upload", user_data_file=file)["script-warnings"]


def test_a_finding_has_a_word_and_leads_to_its_line(browser: Client, server: Server) -> None:
    html = written(browser, server, "#cloud-config\r\nruncmdd: []\r\n")
    assert "Read as cloud-config. 1 thing to look at." in html
    assert '<b class="lv">To know:</b> <a href="#id_user_data" data-line="2">Line 2</a>: Cloud-Init' in html
    assert "Did you mean runcmd?" in html


def test_what_is_right_is_praised(browser: Client, server: Server) -> None:
    assert "Cloud-Init knows every key on top." in written(browser, server, "#cloud-config\nhostname: a\n")


def test_text_of_a_person_stays_text(browser: Client, server: Server) -> None:
    html = written(browser, server, "#cloud-config\n<script>alert(1)</script>: a\n'a': &lt;\n")
    assert "<script>" not in html


def test_an_upload_is_named_with_its_size_and_its_findings(browser: Client, server: Server) -> None:
    html = uploaded(browser, server, "boot.sh", b"#!/bin/sh\necho \x93a\n")
    assert '<b class="break">boot.sh</b>, 18&nbsp;B. Read as a shell script.' in html.replace(
        "\u00a0", "&nbsp;"
    )
    assert "Line 2 holds a byte that is not UTF-8" in html
    # There is no text on the page to lead to.
    assert "data-line" not in html


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "boot.sh is empty: no first-boot script is sent."),
        (bytes(range(1, 256)), "This is binary data, not text"),
        (b"#!/bin/sh\n\0", "holds a NUL byte"),
        (b"#!/bin/sh\n" + b"#" * 32_759, "has 32,769 bytes, 1 too many"),
    ],
)
def test_each_bad_file_has_its_sentence(raw: bytes, words: str, browser: Client, server: Server) -> None:
    assert words in uploaded(browser, server, "boot.sh", raw)


def test_an_empty_file_sends_no_script(browser: Client, server: Server) -> None:
    file = SimpleUploadedFile("boot.sh", b"")
    data = filled_in(browser, server, user_data_source="upload", user_data_file=file)
    assert browser.post(form_address(server), data).status_code == 303
    assert Order.objects.get().user_data_bytes == 0


@pytest.mark.parametrize(
    ("text", "meter"),
    [
        ("é😀", "6 of 32,768 bytes before base64"),
        ("é" * 16_383 + "a", "32,767 of 32,768 bytes before base64, 1 left"),
        ("é" * 16_384, "32,768 of 32,768 bytes before base64, 0 left"),
        ("é" * 16_384 + "a", "32,769 of 32,768 bytes before base64: 1 too many"),
    ],
)
def test_the_meter_is_right_without_javascript(
    text: str, meter: str, browser: Client, server: Server
) -> None:
    data = filled_in(browser, server, action="check", user_data_source="write", user_data=text)
    html = browser.post(form_address(server), data).content.decode()
    assert re.search(rf'id="script-size">{re.escape(meter)}</span>', html)


def test_a_script_too_long_comes_back_whole_and_is_refused_once(browser: Client, server: Server) -> None:
    text = "#!/bin/sh\n" + "echo é\n" * 5_000
    data = filled_in(browser, server, user_data_source="write", user_data=text)
    html = browser.post(form_address(server), data).content.decode()
    assert html.count("echo é") == 5_000
    assert 'class="hint num err" id="script-size"' in html
    section = html[html.index('id="script-source"') : html.index('name="encrypted"')]
    assert section.count("too many. The cloud takes 32,768 bytes before base64.") == 1
    assert not Order.objects.exists()


def test_a_fresh_form_says_nothing_about_a_script(browser: Client, server: Server) -> None:
    html = browser.get(form_address(server)).content.decode()
    assert ">0 of 32,768 bytes before base64</span>" in html
    assert 'class="lint"' not in html


def test_the_system_of_the_server_counts(browser: Client, server: Server) -> None:
    assert "this server runs Linux" in written(browser, server, "#ps1\nGet-Date\n")
    server.os_type = "Windows"
    server.save(update_fields=["os_type"])
    assert "this server runs Windows" in written(browser, server, "#!/bin/sh\n")


def test_no_secret_of_a_script_is_in_preview_or_findings(browser: Client, server: Server) -> None:
    text = "#!/bin/sh\nPASSWORD=hunter2secret\n"
    html = checked(browser, server, user_data_source="write", user_data=text)
    assert "Line 2</a> looks like a password. User data can be read" in html["script-warnings"]
    assert "hidden: 33 B, sha256" in html["preview"]
    assert not any("hunter2secret" in fragment for fragment in html.values())


def test_the_preview_is_json_and_curl_with_a_copy_button_each(browser: Client, server: Server) -> None:
    html = checked(browser, server, user_data_source="write", user_data="#!/bin/sh\n")["preview"]
    path = f"/v2/{server.project.project_id}/cloudservers/{server.pk}/reinstallos"
    shell = html[html.index('id="preview-curl"') :]
    assert "curl -X POST http" in shell and path in shell
    assert "X-Auth-Token: $TOKEN" in shell and "hidden: 10 B, sha256" in shell
    assert 'data-copy-from="preview-body"' in html and 'data-copy-from="preview-curl"' in html
