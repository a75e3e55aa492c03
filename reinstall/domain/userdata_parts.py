"""What a first-boot script is, by its first bytes, as Cloud-Init tells; and what is packed in it.

Source: cloud-init's documentation, "User-data formats", and Cloudbase-Init's, "Userdata".
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
#: Of what unpacks to more, only this much is looked at: a bomb costs no more than a script.
UNPACKED_MOST = 131_072
#: Real messages have a handful; the parser's work grows with parts in parts.
PARTS_MOST = 40

SCRIPT, CONFIG, ARCHIVE, JSONP = "script", "config", "archive", "jsonp"
BOOTHOOK, INCLUDE, HANDLER, JINJA, MIME = "boothook", "include", "handler", "jinja", "mime"
WINDOWS, PACKED, BINARY, EMPTY, OTHER = "windows", "gzip", "binary", "empty", "other"

#: The longer beginning first. Cloud-Init ignores case and white space in front.
_BEGINNINGS = (
    (b"#cloud-config-archive", ARCHIVE),
    (b"#cloud-config-jsonp", JSONP),
    (b"#cloud-config", CONFIG),
    (b"#cloud-boothook", BOOTHOOK),
    (b"#include", INCLUDE),
    (b"#part-handler", HANDLER),
    (b"## template: jinja", JINJA),
    (b"#!", SCRIPT),
    (b"#ps1", WINDOWS),
    (b"rem cmd", WINDOWS),
    (b"<powershell", WINDOWS),
    (b"<script", WINDOWS),
    (b"content-type:", MIME),
    (b"mime-version:", MIME),
)

WORDS = {
    SCRIPT: "a shell script",
    CONFIG: "cloud-config",
    ARCHIVE: "a cloud-config archive",
    JSONP: "a cloud-config patch",
    BOOTHOOK: "a boothook",
    INCLUDE: "a list of addresses",
    HANDLER: "a part handler",
    JINJA: "a Jinja template",
    MIME: "a MIME message of several parts",
    WINDOWS: "a script for Windows",
    PACKED: "gzip",
    BINARY: "binary data",
    OTHER: "text without a header",
}

_TYPES = {
    "text/x-shellscript": SCRIPT,
    "text/x-shellscript-per-boot": SCRIPT,
    "text/x-shellscript-per-instance": SCRIPT,
    "text/x-shellscript-per-once": SCRIPT,
    "text/cloud-config": CONFIG,
    "text/cloud-config-archive": ARCHIVE,
    "text/cloud-config-jsonp": JSONP,
    "text/cloud-boothook": BOOTHOOK,
    "text/x-include-url": INCLUDE,
    "text/x-include-once-url": INCLUDE,
    "text/part-handler": HANDLER,
    "text/jinja2": JINJA,
}
#: For these Cloud-Init looks at the first bytes.
_BY_CONTENT = frozenset(("text/plain", "text/x-not-multipart", "application/octet-stream"))


def kind_of(raw: bytes) -> str:
    """What `raw` is, by its first bytes: one of the words above."""
    if not raw.strip():
        return EMPTY
    if raw.startswith(GZIP):
        return PACKED
    head = raw[:200].lstrip().lower()
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    return BINARY if _is_binary(raw) else OTHER


def _is_binary(raw: bytes) -> bool:
    """More than a tenth of control bytes, as no text in any encoding of one byte has."""
    strange = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in raw[:4_096])
    return b"\0" in raw or strange * 10 > len(raw[:4_096])


def unpacked(raw: bytes) -> tuple[bytes, bool]:
    """What is in a gzip file, UNPACKED_MOST bytes of it, and if that is all. Raises ValueError if damaged."""
    machine = zlib.decompressobj(wbits=31)
    try:
        text = machine.decompress(raw, UNPACKED_MOST)
    except zlib.error:
        raise ValueError("no gzip") from None
    if machine.unconsumed_tail:
        return text, False
    if not machine.eof:
        raise ValueError("cut off")
    return text, True


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a MIME message. kind "" is one Cloud-Init skips. first_line: None when it was encoded."""

    number: int
    content_type: str
    kind: str
    raw: bytes
    first_line: int | None


def parts_of(raw: bytes) -> list[Part]:
    """The parts of a MIME message that are no containers. Raises ValueError for one nobody wrote by hand."""
    if raw.lower().count(b"content-type:") > PARTS_MOST:
        raise ValueError(f"it has more than {PARTS_MOST} parts")
    try:
        message = message_from_bytes(raw.lstrip())
        return list(_leaves(message, raw))
    except (MessageError, RecursionError, LookupError, ValueError):
        raise ValueError("its structure cannot be read") from None


def _leaves(message: Message, raw: bytes) -> Iterator[Part]:
    at = 0
    number = 0
    for part in message.walk():
        if part.is_multipart():
            continue
        number += 1
        content = part.get_payload(decode=True)
        body = content if isinstance(content, bytes) else b""
        content_type = part.get_content_type()
        found = raw.find(body, at) if body else -1
        first = raw.count(b"\n", 0, found) + 1 if found >= 0 else None
        at = max(found + len(body), at)
        kind = kind_of(body) if content_type in _BY_CONTENT else _TYPES.get(content_type, "")
        yield Part(number, content_type[:60], kind, body, first)
