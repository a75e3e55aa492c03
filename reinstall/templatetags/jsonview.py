"""JSON on a page, coloured without trusting it: cut into pieces, each of which the template escapes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django import template

register = template.Library()

#: What the portal writes in place of a value it keeps back starts with this word.
MASK = "hidden"

PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b')


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of the document and its class: k key, s string, d number, m masked, or none."""

    kind: str
    text: str


def kind_of(text: str, follows: str) -> str:
    if not text.startswith('"'):
        return "d"
    if follows.lstrip().startswith(":"):
        return "k"
    return "m" if text.startswith(f'"{MASK}') else "s"


def pieces_of(text: str) -> Iterator[Piece]:
    """Every character of `text`, in order, in pieces."""
    end = 0
    for found in PIECES.finditer(text):
        if found.start() > end:
            yield Piece("", text[end : found.start()])
        kind = kind_of(found.group(), text[found.end() : found.end() + 8])
        yield Piece(kind, found.group())
        end = found.end()
    if end < len(text):
        yield Piece("", text[end:])


@register.filter
def json_pieces(value: object) -> list[Piece]:
    """A document (an object, or its text) as coloured pieces; what is no JSON comes back whole."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [Piece("", str(value))]
    return list(pieces_of(json.dumps(value, indent=2, ensure_ascii=False)))
