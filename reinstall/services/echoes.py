"""Takes a password out of the cloud's answer: an error message may quote what it complains about."""

from dataclasses import replace

from ecsclient.transport import OneShotResult
from reinstall.domain.answers import Meaning

HIDDEN = "hidden"


def without_password(result: OneShotResult, meaning: Meaning, password: str) -> tuple[OneShotResult, Meaning]:
    """Answer and verdict as they may be kept: `password` reads "hidden", however JSON spells it."""
    forms = spellings(password)
    body = result.body
    for form in forms:
        body = body.replace(form.encode(), HIDDEN.encode())
    return (
        replace(result, body=body, error=scrubbed(result.error, forms)),
        replace(meaning, why=scrubbed(meaning.why, forms), code=scrubbed(meaning.code, forms)),
    )


def spellings(password: str) -> tuple[str, ...]:
    """The password as it stands in a text, in JSON with escaped slashes, and in JSON made safe for HTML."""
    slashed = password.replace("/", "\\/")
    safe = password.replace("=", "\\u003d")
    return tuple(dict.fromkeys((password, slashed, safe, safe.replace("/", "\\/"))))


def scrubbed(text: str, forms: tuple[str, ...]) -> str:
    """`text` without any of `forms`."""
    for form in forms:
        text = text.replace(form, HIDDEN)
    return text
