"""What a person types into the search of servers: plain words, and tokens like is:stopped or last:>30d."""

import re
from dataclasses import dataclass

from reinstall.domain.errors import RuleBroken

KNOWN = "is:STATE, is:protected, tag:KEY=VALUE, image:NAME, last:never, last:failed, last:>30d"
#: What the filter "Last reinstall" knows -> how the search says the same.
LAST = {
    "never": ("last", "never"),
    "failed": ("last", "failed"),
    ">30d": ("older", "30"),
    ">90d": ("older", "90"),
    ">180d": ("older", "180"),
}
_TOKEN = re.compile(r"([a-z]+):(.+)")
_ADDRESS = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
_OLDER = re.compile(r">(\d{1,4})d")


@dataclass(frozen=True, slots=True)
class Token:
    """One token. For kind "older" `value` is a number of days, else it is as typed."""

    kind: str
    value: str


def parse(typed: str, states: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Token, ...]]:
    """(words in lower case, tokens). Raises RuleBroken naming q, with what is known."""
    words, tokens = [], []
    for part in typed.split():
        found = _TOKEN.fullmatch(part)
        if found is None or _ADDRESS.fullmatch(part.lower()):
            words.append(part.lower())
        else:
            tokens.append(_token(found[1], found[2], states))
    return tuple(words), tuple(tokens)


def last_token(asked: str) -> Token:
    """The token of one of LAST. Raises RuleBroken naming last."""
    if asked not in LAST:
        raise RuleBroken(f"There is no last {asked}. Known: {', '.join(LAST)}.", "last", "choice")
    return Token(*LAST[asked])


def _token(kind: str, value: str, states: tuple[str, ...]) -> Token:
    older = _OLDER.fullmatch(value)
    if kind == "last" and older:
        return Token("older", older[1])
    known = {"is": value in (*states, "protected"), "last": value in ("never", "failed")}
    if known.get(kind, kind in ("tag", "image")):
        return Token(kind, value)
    sentence = f"The search does not know {kind}:{value}. Known: {KNOWN}; STATE is {', '.join(states)}."
    raise RuleBroken(sentence, "q", "unknown")
