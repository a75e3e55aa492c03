"""Two texts line by line, as people compare them: what went, what came, and a little around it."""

import difflib
from dataclasses import dataclass

#: Beyond so many lines nobody reads a difference; what is left out is counted.
MOST = 300
CONTEXT = 2


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line. kind: same, gone, come or gap (lines left out between two places)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """The difference of two texts. gone, come: lines in all; left_out: how many are not in `lines`."""

    lines: tuple[DiffLine, ...]
    gone: int
    come: int
    left_out: int

    @property
    def words(self) -> str:
        """How much changed, for a heading."""
        return f"{self.come} line{'' if self.come == 1 else 's'} added, {self.gone} removed"


_KINDS = {" ": "same", "-": "gone", "+": "come"}


def diff(before: bytes, after: bytes) -> Diff:
    """`after` compared with `before`; bytes that are no text are shown as replacement characters."""
    old, new = (raw.decode("utf-8", "replace").split("\n") for raw in (before, after))
    # An absent script has no line; "".split gives one.
    found = list(difflib.unified_diff(old if before else [], new if after else [], n=CONTEXT, lineterm=""))
    lines = [_line(text) for text in found[2:]]
    lines = lines[1:] if lines and lines[0].kind == "gap" else lines
    return Diff(
        tuple(lines[:MOST]),
        sum(line.kind == "gone" for line in lines),
        sum(line.kind == "come" for line in lines),
        max(0, len(lines) - MOST),
    )


def _line(text: str) -> DiffLine:
    if text.startswith("@@"):
        return DiffLine("gap", "")
    # The cloud takes line ends of Windows as they are; a page would show them as nothing.
    return DiffLine(_KINDS[text[0]], text[1:].replace("\r", "␍"))
