"""The checks of many servers, told once each: what is not passed, and of which servers."""

from dataclasses import dataclass

from reinstall.domain.verdicts import Level
from reinstall.services.orders import Preview

#: Names that are told; beyond that, how many more.
NAMED = 5


@dataclass(frozen=True, slots=True)
class SummedCheck:
    """A check that is not passed. `who`: the servers it is about, "" where it is about all of them."""

    level: Level
    sentence: str
    who: str


@dataclass(frozen=True, slots=True)
class SummedChecks:
    """What is not passed, the worst first, and how many checks of how many servers are passed."""

    open: tuple[SummedCheck, ...]
    passed: int
    servers: int


def summed(preview: Preview) -> SummedChecks:
    """The checks of a preview of many servers. Sentences alike are told once."""
    about: dict[tuple[Level, str], list[str]] = {(c.level, c.sentence): [] for c in preview.of_all}
    passed = 0
    for name, checks in zip(preview.names, preview.by_server, strict=True):
        for check in checks:
            if check.level is Level.PASSED:
                passed += 1
            else:
                about.setdefault((check.level, check.sentence), []).append(name)
    servers = len(preview.names)
    found = [
        SummedCheck(level, sentence, _who(sentence, names, servers))
        for (level, sentence), names in about.items()
    ]
    found.sort(key=lambda check: check.level is not Level.MUST_FIX)
    return SummedChecks(tuple(found), passed, servers)


def _who(sentence: str, names: list[str], servers: int) -> str:
    if not names or len(names) == servers or (len(names) == 1 and names[0] in sentence):
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
