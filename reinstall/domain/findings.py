"""What is said about a first-boot script: one sentence each, with the line it is about, and how many."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

#: "The content to be injected must be 32 KB or less", counted before base64.
USER_DATA_MAX_BYTES = 32_768

#: As the levels of the checks before start: the words on pages are theirs.
TO_KNOW = "to_know"
MUST_FIX = "must_fix"

#: A script that is wrong on every line is wrong once; the list stays one that is read.
SAME_MOST = 6
ALL_MOST = 24


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a script: `sentence` begins with "Line N" whenever `line` (from 1) is N.

    level: "to_know", or "must_fix" for what the cloud or Cloud-Init certainly refuses.
    No sentence repeats the value of anything that looks like a secret.
    """

    level: str
    line: int | None
    code: str
    sentence: str

    @property
    def place(self) -> str:
        """ "Line N", the part of the sentence that leads there; empty when it is about the whole."""
        return "" if self.line is None else f"Line {self.line}"

    @property
    def rest(self) -> str:
        """The sentence without `place`."""
        return self.sentence.removeprefix(self.place)


def about_line(line: int, code: str, rest: str) -> Finding:
    """Something to know about one line; `rest` goes on after "Line N"."""
    return Finding(TO_KNOW, line, code, f"Line {line}{rest}")


def about_all(code: str, sentence: str) -> Finding:
    """Something to know about the whole."""
    return Finding(TO_KNOW, None, code, sentence)


def moved(finding: Finding, lines: int) -> Finding:
    """The same finding in a text in which `lines` more lines stand above."""
    if finding.line is None or not lines:
        return finding
    line = finding.line + lines
    return replace(finding, line=line, sentence=f"Line {line}{finding.rest}")


def inside(finding: Finding, where: str) -> Finding:
    """The same finding in a text nobody sees as typed, such as a packed one: `where` says which."""
    if finding.line is None:
        return replace(finding, sentence=f"{where}: {finding.sentence}")
    return replace(finding, line=None, sentence=f"{where}, line {finding.line}{finding.rest}")


def few(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """What a person reads: must_fix first, then by line; of many alike the first ones and a number."""
    ordered = sorted(found, key=lambda it: (it.level != MUST_FIX, it.line or 0))
    kept = list(_first_of_each(ordered))
    if len(kept) > ALL_MOST:
        over = len(kept) - ALL_MOST
        kept = [*kept[:ALL_MOST], about_all("more", f"{over} more things are not listed here.")]
    return tuple(kept)


def _first_of_each(ordered: list[Finding]) -> Iterator[Finding]:
    codes: dict[str, int] = {}
    for finding in ordered:
        seen = codes[finding.code] = codes.get(finding.code, 0) + 1
        if seen <= SAME_MOST:
            yield finding
    for code, seen in codes.items():
        if seen > SAME_MOST:
            word = "line" if seen == SAME_MOST + 1 else "lines"
            yield about_all(code, f"{seen - SAME_MOST} more {word} like that: {_WORDS.get(code, code)}.")


_WORDS = {
    "secret": "they look like secrets, and stay hidden here",
    "html_entity": "HTML entities",
    "carriage_return": "they end in CR",
    "curly_quote": "quotes or spaces of a word processor",
    "not_utf8": "bytes that are not UTF-8",
    "duplicate_key": "keys given twice",
    "unknown_key": "keys Cloud-Init does not know",
    "wrong_type": "values of the wrong type",
    "tab": "tabs in the indentation",
    "not_an_address": "no addresses",
}


def refusals(raw: bytes) -> tuple[Finding, ...]:
    """What the cloud or Cloud-Init certainly refuses: too many bytes, or a NUL in what is no gzip file."""
    size = len(raw)
    if size > USER_DATA_MAX_BYTES:
        over = size - USER_DATA_MAX_BYTES
        sentence = (
            f"The first-boot script has {size:,} bytes, {over:,} too many. "
            f"The cloud takes {USER_DATA_MAX_BYTES:,} bytes before base64."
        )
        if len(raw.decode("utf-8", "replace")) <= USER_DATA_MAX_BYTES:
            sentence += " Letters beyond ASCII count as 2 to 4 bytes each."
        return (Finding(MUST_FIX, None, "too_large", sentence),)
    if b"\0" in raw and not raw.startswith(b"\x1f\x8b"):
        sentence = "The first-boot script holds a NUL byte. Send text, or a gzip file."
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or re.match(rb"(?:[\t-~]\0|\0[\t-~]){4}", raw):
            sentence += " It looks like UTF-16: save it as UTF-8."
        return (Finding(MUST_FIX, None, "nul_byte", sentence),)
    return ()


def meter(size: int) -> str:
    """How much of what the cloud takes is used, in words; the page's script says the same while typing."""
    most = USER_DATA_MAX_BYTES
    if size > most:
        return f"{size:,} of {most:,} bytes before base64: {size - most:,} too many"
    if size * 10 >= most * 9:
        return f"{size:,} of {most:,} bytes before base64, {most - size:,} left"
    return f"{size:,} of {most:,} bytes before base64"
