"""Takes secrets out of what the cloud and the portal say to each other, before anybody stores or shows it."""

import json
import re

from reinstall.domain.spec import mask_body

_SECRET_KEYS = frozenset(
    {
        "adminpass",
        "password",
        "secret",
        "secret_key",
        "secretkey",
        "token",
        "user_data",
        "private_key",
        "securitytoken",
    }
)
#: Line feed and tab are harmless; half surrogates can be stored by no database.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
TEXT_LIMIT = 4096
REQUEST_LIMIT = 16_384


def redacted(value: object) -> object:
    """A copy of a JSON value in which every value under a secret's name reads "hidden".

    Also inside texts that hold JSON themselves, as audit traces quote a whole request.
    """
    if isinstance(value, dict):
        return {
            key: "hidden" if str(key).lower() in _SECRET_KEYS and item else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return _redacted_text(value) if isinstance(value, str) else value


def _redacted_text(text: str) -> str:
    """A quoted JSON document without its secrets; one that is cut cannot be cleaned, so it goes."""
    if not text.lstrip().startswith(("{", "[{")):
        return text
    try:
        return json.dumps(redacted(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return "hidden" if any(key in text.lower() for key in _SECRET_KEYS) else text


def shown_request(body: bytes) -> str:
    """A request body as pages and REST show it: pretty JSON, user data as size and digest."""
    if not body:
        return ""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return f"{len(body):,} bytes that are not JSON"
    masked = mask_body(value) if isinstance(value, dict) else value
    if masked == value:
        masked = redacted(value)
    return plain_text(_pretty(masked), REQUEST_LIMIT)


def shown_response(body: bytes, limit: int = TEXT_LIMIT) -> str:
    """A response body as pages and REST show it: cut, without control characters, no secret by its name."""
    if not body:
        return ""
    try:
        text = _pretty(redacted(json.loads(body)))
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    return plain_text(text, limit)


def plain_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text of the cloud, safe to store and show: cut, with control characters and half surrogates replaced.

    Line feeds and tabs stay.
    """
    cleaned = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
