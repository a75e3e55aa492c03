"""What is said about first-boot scripts of every kind: the sentence a person reads, and its line."""

import base64
import gzip

import pytest

from reinstall.domain import userdata
from reinstall.domain.findings import USER_DATA_MAX_BYTES, Finding, meter
from reinstall.domain.spec import user_data_warnings

SH = b"#!/bin/sh\n"
SCRIPT_IN_BASE64 = base64.b64encode(b"#!/bin/sh\necho hello world\n")


def said(raw: bytes, os_type: str = "Linux") -> list[tuple[str, int | None]]:
    return [(it.code, it.line) for it in userdata.findings(raw, os_type)]


def only(raw: bytes, os_type: str = "Linux") -> Finding:
    (finding,) = userdata.findings(raw, os_type)
    return finding


@pytest.mark.parametrize(
    ("raw", "read_as"),
    [
        (SH + b"echo hi\n", "a shell script"),
        (b"#cloud-config\nhostname: a\n", "cloud-config"),
        (b"\n  #Cloud-Config\nhostname: a\n", "cloud-config"),
        (b"#cloud-boothook\n#!/bin/sh\necho hi\n", "a boothook"),
        (b"#include\nhttps://example.org/a\n", "a list of addresses"),
        (b"#include-once\n# note\n\nhttps://example.org/a\n", "a list of addresses"),
        (b"#part-handler\nimport os\n", "a part handler"),
        (b"## template: jinja\n#cloud-config\nhostname: {{ ds.name }}\n", "a Jinja template"),
        (b"#cloud-config-archive\n- type: text/x-shellscript\n  content: a\n", "a cloud-config archive"),
        (b"#cloud-config-jsonp\n[]\n", "a cloud-config patch"),
        (gzip.compress(SH, mtime=0), "gzip"),
        (b"", ""),
    ],
)
def test_every_kind_is_told_and_a_right_one_is_not_criticised(raw: bytes, read_as: str) -> None:
    read = userdata.reading(raw, "Linux")
    assert (read.read_as, read.findings) == (read_as, ())
    assert bool(read.praise) is bool(raw)


@pytest.mark.parametrize(
    "raw", [b"#ps1\nGet-Date\n", b"rem cmd\necho 1\n", b"<powershell>\nx\n</powershell>\n"]
)
def test_a_script_for_windows_is_right_on_windows_and_told_on_linux(raw: bytes) -> None:
    assert said(raw, "Windows") == said(raw, "") == []
    assert said(raw, "Linux") == [("wrong_system", 1)]


def test_a_shell_script_is_told_on_windows() -> None:
    finding = only(SH, "Windows")
    assert (
        finding.sentence
        == "Line 1 starts with #!, but this server runs Windows: it wants #ps1, rem cmd or <powershell>."
    )


@pytest.mark.parametrize(
    ("raw", "code", "line", "words"),
    [
        (b"echo hello\n", "header", None, "neither #! nor #cloud-config"),
        (b"# cloud-config\nruncmd: []\n", "header", 1, "exactly “#cloud-config”"),
        (b"# mine\n#cloud-config\nruncmd: []\n", "header", 2, "must be line 1"),
        (b"hostname: a\nruncmd: []\n", "header", 1, "the rest reads so"),
        (b"\n\n#!/bin/sh\n", "header", 3, "not as the first two bytes"),
        (b"## template: jinja\necho {{ a }}\n", "header", 2, "neither #! nor #cloud-config"),
        (b"\xef\xbb\xbf#cloud-config\n", "bom", 1, "byte order mark"),
        (SCRIPT_IN_BASE64, "base64_twice", None, "base64 already, of a shell script"),
        (base64.b64encode(gzip.compress(SH, mtime=0)), "base64_twice", None, "of gzip"),
        (base64.encodebytes(b"first line of some text\nsecond\n"), "base64_twice", None, "of text"),
        (base64.b64encode(SCRIPT_IN_BASE64), "base64_twice", None, "of base64 again"),
        (b"#!/bin/sh\necho a\r\necho b\r\n", "carriage_return", 2, "ends in CR"),
        (b"#!/bin/sh\recho a\r", "carriage_return", None, "one line"),
        (b"#!/bin/sh\n\necho &amp;\n", "html_entity", 3, "HTML entity &amp;"),
        ("#!/bin/sh\necho “a”\n".encode(), "curly_quote", 2, "a curly quote (“)"),
        ("#!/bin/sh\necho\u00a0a\n".encode(), "curly_quote", 2, "a no-break space"),
        (
            b"#!/bin/sh\necho \x93a\x94\n",
            "not_utf8",
            2,
            "0x93 at byte 15 of the whole. It looks like Windows-1252",
        ),
        (b"#!/bin/sh\necho \xff\n", "not_utf8", 2, "0xFF at byte 15"),
        (bytes(range(1, 256)), "binary", None, "binary data"),
        (b" \n\t\n", "empty", None, "only white space"),
        (b"#include\nfoo\n", "not_an_address", 2, "no address"),
        (b"\x1f\x8b\x08 chance: &lt;", "gzip_damaged", None, "cannot be unpacked"),
        (gzip.compress(SH, mtime=0)[:-4], "gzip_damaged", None, "cannot be unpacked"),
        (gzip.compress(gzip.compress(SH, mtime=0), mtime=0), "packed_twice", None, "packed twice"),
        (
            gzip.compress(b"#cloud-config\nhostnam: a\n", mtime=0),
            "unknown_key",
            None,
            "Unpacked, line 2: Cloud-Init",
        ),
    ],
)
def test_each_mistake_has_its_sentence(raw: bytes, code: str, line: int | None, words: str) -> None:
    finding = only(raw)
    assert (finding.level, finding.code, finding.line) == ("to_know", code, line)
    assert words in finding.sentence
    assert finding.sentence == finding.place + finding.rest
    assert user_data_warnings(raw) == (finding.sentence,)


def test_curly_quotes_in_a_comment_hurt_nobody() -> None:
    assert said("#!/bin/sh\n# “a”\n".encode()) == []


# ---------------------------------------------------------------- size and NUL


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 of 32,768 bytes before base64"),
        (12_345, "12,345 of 32,768 bytes before base64"),
        (32_767, "32,767 of 32,768 bytes before base64, 1 left"),
        (32_768, "32,768 of 32,768 bytes before base64, 0 left"),
        (32_769, "32,769 of 32,768 bytes before base64: 1 too many"),
    ],
)
def test_the_meter_says_how_much_is_left(size: int, words: str) -> None:
    assert meter(size) == words


@pytest.mark.parametrize("size", [32_767, 32_768])
def test_up_to_the_limit_nothing_is_refused(size: int) -> None:
    raw = SH + b"#" * (size - len(SH))
    assert len(raw) == size and said(raw) == []


def test_one_byte_more_must_be_fixed() -> None:
    finding = only(SH + b"#" * (USER_DATA_MAX_BYTES + 1 - len(SH)))
    assert finding.level == "must_fix"
    assert finding.sentence == (
        "The first-boot script has 32,769 bytes, 1 too many. The cloud takes 32,768 bytes before base64."
    )


def test_letters_of_several_bytes_at_the_edge_are_counted_as_bytes() -> None:
    fits = SH + b"#" * (USER_DATA_MAX_BYTES - len(SH) - 4) + "😀".encode()
    over = SH + b"#" * (USER_DATA_MAX_BYTES - len(SH) - 3) + "😀".encode()
    assert said(fits) == []
    finding = only(over)
    assert (finding.level, finding.code) == ("must_fix", "too_large")
    assert "1 too many" in finding.sentence and "Letters beyond ASCII" in finding.sentence


def test_a_nul_must_be_fixed_and_utf16_is_named() -> None:
    assert only(b"#!/bin/sh\n\0").sentence.endswith("Send text, or a gzip file.")
    assert "UTF-16" in only("#!/bin/sh\n".encode("utf-16")).sentence
    assert "UTF-16" in only("#!/bin/sh\n".encode("utf-16-le")).sentence


def test_what_must_be_fixed_is_no_warning() -> None:
    assert user_data_warnings(b"#!/bin/sh\n\0") == ()


def test_an_empty_script_is_named_by_its_file() -> None:
    assert userdata.empty_finding("boot.sh").sentence == "boot.sh is empty: no first-boot script is sent."
    assert userdata.empty_finding().sentence.startswith("Nothing is written")


# ---------------------------------------------------------------- MIME


def message(*parts: bytes) -> bytes:
    head = b'Content-Type: multipart/mixed; boundary="B"\nMIME-Version: 1.0\n\n'
    return head + b"".join(b"--B\n" + part + b"\n" for part in parts) + b"--B--\n"


def test_each_part_of_a_message_is_looked_at_and_lines_count_from_the_top() -> None:
    config = b"Content-Type: text/cloud-config\n\n#cloud-config\nhostnam: a\n"
    script = b"Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(
        b"#!/bin/sh\necho &amp;\n"
    )
    raw = message(config, script, b"Content-Type: text/html\n\n<p>\n")
    whole, packed, html = sorted(userdata.findings(raw), key=lambda it: it.code != "unknown_key")
    assert raw.split(b"\n")[(whole.line or 0) - 1] == b"hostnam: a"
    assert packed.line is None and packed.sentence.startswith(
        "Part 2 (text/x-shellscript), line 2 holds the HTML"
    )
    assert html.sentence == "Part 3 (text/html): Cloud-Init does not know this type and skips the part."


def test_parts_of_no_said_kind_are_told_by_their_content() -> None:
    assert said(message(b"Content-Type: text/plain\n\n#cloud-config\nhostnam: a\n")) == [("unknown_key", 8)]


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: message/rfc822\n\n" * 1_000,
        b'Content-Type: multipart/digest; boundary="B"\n\n' + b"--B\n\n" * 6_000,
        b'Content-Type: multipart/mixed; boundary="B"\n\n' + b"--B\nContent-Type: text/plain\n\nx\n" * 900,
    ],
)
def test_a_message_of_too_many_parts_is_left_alone(raw: bytes) -> None:
    found = userdata.findings(raw)
    assert len(found) <= 2 and all(it.level == "to_know" for it in found)


def test_a_bomb_is_looked_into_no_further_than_its_beginning() -> None:
    codes = said(gzip.compress(SH + b"#" * 20_000_000, mtime=0))
    assert codes == [("gzip_large", None)]


def test_many_alike_are_listed_a_few_times_and_counted() -> None:
    found = userdata.findings(SH + b"echo &lt;\n" * 100)
    assert [it.line for it in found] == [2, 3, 4, 5, 6, 7, None]
    assert found[-1].sentence == "94 more lines like that: HTML entities."
