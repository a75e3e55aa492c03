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
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
TEXT_LIMIT = 4096


def redacted(value: object) -> object:
    """A copy of a JSON value in which every value under a secret's name reads "hidden"."""
    if isinstance(value, dict):
        return {
            key: "hidden" if str(key).lower() in _SECRET_KEYS and item else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value


def shown_request(body: bytes) -> str:
    """A request body as pages and REST show it: pretty JSON, user data as size and digest."""
    if not body:
        return ""
    try:
        value = json.loads(body)
    except ValueError:
        return f"{len(body):,} bytes that are not JSON"
    masked = mask_body(value) if isinstance(value, dict) else value
    if masked == value:
        masked = redacted(value)
    return _pretty(masked)


def shown_response(body: bytes, limit: int = TEXT_LIMIT) -> str:
    """A response body as pages and REST show it; what is not JSON is text, cut, without control characters."""
    if not body:
        return ""
    try:
        return _pretty(redacted(json.loads(body)))[:limit]
    except ValueError:
        return plain_text(body.decode("utf-8", "replace"), limit)


def plain_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text of the cloud, safe for one line of a log, a page or a file: cut, control characters replaced."""
    cleaned = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
