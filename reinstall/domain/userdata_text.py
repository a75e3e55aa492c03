"""What goes wrong with text on its way into a form: line ends, encodings, entities, quotes, base64 twice."""

import base64
import binascii
import re
from collections.abc import Iterator

from reinstall.domain import userdata_parts as parts
from reinstall.domain.findings import Finding, about_all, about_line

_ENTITY = re.compile(rb"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]{16,}={0,2}\s*")
_WORD_QUOTES = re.compile("[\u2018\u2019\u201c\u201d\u201e\u00a0\u200b]")
_WORD_NAMES = {"\u00a0": "a no-break space", "\u200b": "a space of no width"}
#: Bytes that are quotes, dashes or the euro sign in Windows-1252, and never begin a letter in UTF-8.
_WINDOWS_1252 = frozenset(b"\x80\x82\x84\x85\x91\x92\x93\x94\x96\x97")


def text_findings(raw: bytes, kind: str) -> Iterator[Finding]:
    """What is to know about the bytes of a text, of whatever kind."""
    yield from _line_ends(raw, kind)
    for number, line in enumerate(raw.split(b"\n"), 1):
        entity = _ENTITY.search(line)
        if entity:
            shown = entity.group().decode()
            yield about_line(
                number,
                "html_entity",
                f" holds the HTML entity {shown}, as if copied from a web page; it is sent so.",
            )
        yield from _quotes(number, line, kind)
    yield from _encoding(raw)


def _line_ends(raw: bytes, kind: str) -> Iterator[Finding]:
    if kind not in (parts.SCRIPT, parts.BOOTHOOK, parts.HANDLER) or b"\r" not in raw:
        return
    if b"\n" not in raw:
        yield about_all("carriage_return", "The lines end in CR alone: Linux takes all of it for one line.")
        return
    lines = raw.split(b"\n")
    if lines[0].startswith(b"#!") and lines[0].endswith(b"\r"):
        rest = " starts with #! and ends in CR (Windows line ends): Linux does not find that interpreter."
        yield about_line(1, "carriage_return", rest)
        return
    number = next((at for at, line in enumerate(lines, 1) if line.endswith(b"\r")), 0)
    if number:
        rest = " ends in CR (Windows line ends): the shell takes that for a part of the last word."
        yield about_line(number, "carriage_return", rest)


def _quotes(number: int, line: bytes, kind: str) -> Iterator[Finding]:
    if line.isascii() or kind == parts.WINDOWS or line.lstrip().startswith(b"#"):
        return
    found = _WORD_QUOTES.search(line.decode("utf-8", "replace"))
    if found:
        name = _WORD_NAMES.get(found.group(), f"a curly quote ({found.group()})")
        yield about_line(
            number,
            "curly_quote",
            f" holds {name}, as word processors write it; no shell takes it for a plain one.",
        )


def _encoding(raw: bytes) -> Iterator[Finding]:
    """Each line is decoded by itself, so that one wrong byte hides no other."""
    begin = 0
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            byte = line[error.start]
            guess = " It looks like Windows-1252." if byte in _WINDOWS_1252 else ""
            yield about_line(
                number,
                "not_utf8",
                f" holds a byte that is not UTF-8: 0x{byte:02X} at byte {begin + error.start:,} of the whole."
                f"{guess} Save the text as UTF-8.",
            )
        begin += len(line) + 1


def base64_inside(raw: bytes) -> str:
    """What `raw` is once its own base64 is taken off, in words; empty when it is no base64 of a script."""
    if not _BASE64.fullmatch(raw):
        return ""
    try:
        content = base64.b64decode(b"".join(raw.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    kind = parts.kind_of(content)
    if kind in (parts.OTHER, parts.EMPTY, parts.BINARY):
        # A long word may be base64 by chance; what it gives is no text then.
        if b"\n" in content and content.isascii() and kind == parts.OTHER:
            return "text"
        return "base64 again" if _BASE64.fullmatch(content) and base64_inside(content) else ""
    return parts.WORDS[kind]
