"""Lines of a first-boot script that look like secrets. What is found is named, never repeated.

A few patterns of our own: they must be fast, bounded, and quiet about variables and placeholders.
"""

import re
from collections.abc import Iterator

from reinstall.domain.findings import Finding, about_line

#: Nobody writes a password beyond this column; a longer line is data.
_COLUMNS = 2_000

_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----")
#: Published forms: AWS, GitHub, GitLab, Slack, Google, Stripe; the dotted one is a JSON web token.
_TOKENS = re.compile(
    r"\b(?:A(?:KIA|SIA)[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{22,}|glpat-[\w-]{20,}"
    r"|xox[abprs]-[\w-]{10,}|AIza[\w-]{35}|[sr]k_live_[0-9A-Za-z]{16,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"
)
_BEARER = re.compile(r"(?i)authorization: *(?:bearer|basic|token) +(?P<value>[\w.+/=${}-]{8,})")
_HASH = re.compile(r"\$(?:1|2[aby]?|5|6|y|gy|7)\$[^\s'\"]{8,}")
_VALUE = r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;'\"}\]]+)"
_NAMED_PASSWORD = re.compile(
    r"(?i)(?:(?<!no)passw(?:or)?d|passphrase|passwort|adminpass|(?<![a-z])(?:pass|pwd))[\"']?\s{0,8}[:=]\s{0,8}"
    + _VALUE
)
_NAMED_TOKEN = re.compile(
    r"(?i)(?:secret|token|(?:api|access|secret|private)[_-]?key)[\"']?\s{0,8}[:=]\s{0,8}" + _VALUE
)
_OPTION = re.compile(r"(?i)(?:^|\s)(?:--pass(?:word|wd)?[ =]|sshpass\s+-p\s{0,4})" + _VALUE)
_IN_ADDRESS = re.compile(r"\w{2,12}://[^\s/:@]{1,80}:(?P<value>[^\s/@]{2,200})@")
_CHPASSWD = re.compile(r"[\w.-]{1,32}:(?P<value>[^\s:'\"|]{2,})[\"']?\s{0,8}\|\s{0,8}(?:sudo\s+)?chpasswd")
_PAIR = re.compile(r"^\s{1,40}(?:-\s{1,8})?[\"']?[\w.-]{1,32}:(?P<value>[^\s:]{2,})$")
_PAIRS_BEGIN = re.compile(r"^(?P<indent>\s{1,40})list:\s*(?:[|>][+-]?\d?)?\s*$")

#: Words that stand where a secret could and are none.
_PLAIN = frozenset(("true", "false", "yes", "none", "null", "unchanged", "random", "prompt", "ask", "locked"))


def secret_lines(lines: list[str]) -> Iterator[Finding]:
    """One finding for each line that looks like a password, a key or a token."""
    pairs = _pair_lines(lines)
    for number, line in enumerate(lines, 1):
        kind = _kind(line[:_COLUMNS]) or ("a password" if number in pairs else "")
        if kind:
            yield about_line(
                number,
                "secret",
                f" looks like {kind}. User data can be read by every process on the server. "
                "Use a secret store, or go on and this line stays hidden here.",
            )


def _kind(line: str) -> str:
    if _PRIVATE_KEY.search(line):
        return "a private key"
    if _TOKENS.search(line):
        return "a token or access key"
    if _HASH.search(line):
        return "a password hash"
    for pattern in (_NAMED_PASSWORD, _OPTION, _IN_ADDRESS, _CHPASSWD):
        if any(_is_value(found["value"]) for found in pattern.finditer(line)):
            return "a password"
    for pattern in (_NAMED_TOKEN, _BEARER):
        if any(_is_value(found["value"], 8) for found in pattern.finditer(line)):
            return "a token or access key"
    return ""


def _is_value(value: str, least: int = 3) -> bool:
    """False for what is filled in later, read from elsewhere, or only says yes or no."""
    bare = value.strip("\"'").strip()
    if len(bare) < least or bare.lower() in _PLAIN:
        return False
    if bare.startswith(("$", "{{", "{%", "<", "%", "/", "`", "|", ">", "(", "!", "#")):
        return False
    return len(set(bare)) > 1


def _pair_lines(lines: list[str]) -> frozenset[int]:
    """Lines `name:password` below `chpasswd:` / `list:`, which have no key that says what they are."""
    found: set[int] = set()
    indent = -1
    for number, line in enumerate(lines, 1):
        begin = _PAIRS_BEGIN.match(line[:_COLUMNS])
        deep = len(line) - len(line.lstrip())
        if begin:
            indent = len(begin["indent"])
        elif indent >= 0 and line.strip() and deep < indent:
            indent = -1
        elif indent >= 0 and (pair := _PAIR.match(line[:_COLUMNS])) and _is_value(pair["value"]):
            found.add(number)
    return frozenset(found) if any(line.startswith("chpasswd:") for line in lines) else frozenset()
