"""A first-boot script (user data) looked over before it is sent: what it is, and what is seldom meant.

Pure and bounded: no clock, no network, few steps for any bytes. Nothing is executed or followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reinstall.domain import userdata_parts as parts
from reinstall.domain.findings import (
    USER_DATA_MAX_BYTES,
    Finding,
    about_all,
    about_line,
    few,
    inside,
    moved,
    refusals,
)
from reinstall.domain.userdata_config import archive_findings, config_findings, looks_like_config
from reinstall.domain.userdata_secrets import secret_lines
from reinstall.domain.userdata_text import base64_inside, text_findings

#: What is too large is not sent; a little of it is looked at all the same, so that it is worth shortening.
_LOOK_MOST = USER_DATA_MAX_BYTES * 2
_SCRIPTS = (parts.SCRIPT, parts.BOOTHOOK, parts.HANDLER)


@dataclass(frozen=True, slots=True)
class Reading:
    """read_as: what Cloud-Init takes it for, in words; praise: a sentence if nothing at all stands out."""

    read_as: str
    praise: str
    findings: tuple[Finding, ...]


def findings(raw: bytes, os_type: str = "") -> tuple[Finding, ...]:
    """What stands out in the exact bytes the server will find; empty for nothing.

    os_type: "Linux", "Windows" or "" (not known). Only what the cloud or Cloud-Init certainly refuses is
    "must_fix".
    """
    refused = refusals(raw)
    if any(finding.code == "nul_byte" for finding in refused):
        return refused
    return few([*refused, *_about(raw[:_LOOK_MOST], os_type, packed=False)])


def reading(raw: bytes, os_type: str = "") -> Reading:
    """What the form says about a script."""
    found = findings(raw, os_type)
    kind = parts.kind_of(raw)
    if kind == parts.EMPTY:
        return Reading("", "", found)
    praise = ""
    if not found:
        praise = _PRAISE.get(kind, "Nothing stands out.")
    return Reading(parts.WORDS[kind], praise, found)


def empty_finding(name: str = "") -> Finding:
    """A script was meant and there is none; name: of the file, if it was one."""
    if name:
        return about_all("empty", f"{name} is empty: no first-boot script is sent.")
    return about_all("empty", "Nothing is written: no first-boot script is sent.")


_PRAISE = {
    parts.CONFIG: "Valid YAML, the first line is right, and Cloud-Init knows every key on top.",
    parts.SCRIPT: "The first line is right, and nothing stands out.",
}


def _about(raw: bytes, os_type: str, *, packed: bool) -> Iterator[Finding]:
    """Of one text, packed in something else or not."""
    kind = parts.kind_of(raw)
    if kind == parts.EMPTY:
        if raw or packed:
            yield about_all("empty", "There is only white space: nothing will be done.")
    elif kind == parts.PACKED:
        if packed:
            yield about_all("packed_twice", "It is packed twice; Cloud-Init unpacks once.")
        else:
            yield from _packed(raw, os_type)
    elif kind == parts.BINARY:
        yield about_all("binary", "This is binary data, not text: Cloud-Init will not run it.")
    elif kind == parts.MIME:
        yield from _message(raw)
    else:
        yield from _header(raw, kind, os_type)
        yield from _text(raw, kind)


def _packed(raw: bytes, os_type: str) -> Iterator[Finding]:
    try:
        text, whole = parts.unpacked(raw)
    except ValueError:
        yield about_all("gzip_damaged", "This begins like a gzip file, but it cannot be unpacked.")
        return
    for finding in _about(text if whole else text[:_LOOK_MOST], os_type, packed=True):
        # A text that is cut in the middle is no YAML any more; that says nothing about the whole.
        if whole or finding.code != "not_yaml":
            yield inside(finding, "Unpacked")
    if not whole:
        yield about_all(
            "gzip_large",
            f"It unpacks to more than {parts.UNPACKED_MOST:,} bytes; the first {_LOOK_MOST:,} are looked at.",
        )


def _message(raw: bytes) -> Iterator[Finding]:
    try:
        found = parts.parts_of(raw)
    except ValueError as error:
        yield about_all("mime_unread", f"This MIME message is not looked into: {error}.")
        return
    if len(found) == 1 and found[0].kind == "":
        yield about_all("mime_empty", "This MIME message has no part that Cloud-Init runs.")
    for part in found:
        where = f"Part {part.number} ({part.content_type})"
        if not part.kind:
            yield about_all("mime_type", f"{where}: Cloud-Init does not know this type and skips the part.")
            continue
        for finding in _text(part.raw, part.kind):
            if finding.line is None or part.first_line is None:
                yield inside(finding, where)
            else:
                yield moved(finding, part.first_line - 1)


def _header(raw: bytes, kind: str, os_type: str) -> Iterator[Finding]:
    """Is the first line one that Cloud-Init, or its counterpart on Windows, knows; and is it the first."""
    if kind == parts.OTHER:
        yield _no_header(raw)
        return
    if kind == parts.SCRIPT and not raw.startswith(b"#!"):
        line = raw[: raw.index(b"#!")].count(b"\n") + 1
        yield about_line(
            line, "header", " has #!, but not as the first two bytes: Linux does not find the interpreter."
        )
    windows = os_type.lower() == "windows"
    if kind == parts.SCRIPT and windows:
        yield about_line(
            1,
            "wrong_system",
            " starts with #!, but this server runs Windows: it wants #ps1, rem cmd or <powershell>.",
        )
    elif kind == parts.WINDOWS and os_type and not windows:
        yield about_line(
            1,
            "wrong_system",
            " starts a script for Windows, and this server runs Linux: Cloud-Init will not run it.",
        )


def _no_header(raw: bytes) -> Finding:
    if raw.startswith(parts.BOM):
        rest = " begins with a byte order mark (BOM), which hides the header: Cloud-Init will not run it."
        return about_line(1, "bom", f"{rest} Save the text as UTF-8 without it.")
    packed = base64_inside(raw)
    if packed:
        return about_all(
            "base64_twice",
            f"This is base64 already, of {packed}. Enter the plain text: base64 is put on before it is sent.",
        )
    lines = raw.decode("utf-8", "replace").split("\n")
    for number, line in enumerate(lines[:40], 1):
        if "".join(line.lower().split()) == "#cloud-config":
            rest = (
                " should be exactly “#cloud-config”"
                if number == 1
                else " has #cloud-config, which must be line 1"
            )
            return about_line(number, "header", f"{rest}: Cloud-Init will not run it as it is.")
    if looks_like_config("\n".join(lines)):
        return about_line(
            1, "header", " is not “#cloud-config”, but the rest reads so: Cloud-Init will not run it."
        )
    return about_all("header", "The first line is neither #! nor #cloud-config: Cloud-Init will not run it.")


def _text(raw: bytes, kind: str) -> Iterator[Finding]:
    yield from text_findings(raw, kind)
    text = raw.decode("utf-8", "replace")
    lines = text.split("\n")
    yield from secret_lines(lines)
    if kind == parts.CONFIG:
        for finding in config_findings(text):
            # YAML ends lines at some characters (a lone CR, NEL) that nobody else does.
            yield moved(finding, min(0, len(lines) - (finding.line or 0)))
    elif kind == parts.ARCHIVE:
        yield from archive_findings(text)
    elif kind == parts.INCLUDE:
        yield from _addresses(lines)
    elif kind == parts.JINJA and parts.kind_of("\n".join(lines[1:]).encode()) == parts.OTHER:
        yield about_line(
            2, "header", " is neither #! nor #cloud-config: Cloud-Init will not run what the template gives."
        )


def _addresses(lines: list[str]) -> Iterator[Finding]:
    for number, line in enumerate(lines, 1):
        said = line.strip().removeprefix("#include-once").removeprefix("#include").strip()
        if said and not said.startswith(("#", "http://", "https://", "file://", "ftp://")):
            yield about_line(
                number,
                "not_an_address",
                " is no address; Cloud-Init reads each line of an #include from one.",
            )
