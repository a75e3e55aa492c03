"""What a session knows about who is at the browser: how they signed in, and when they last proved it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: The name under which a session keeps it.
KEY = "proof"


@dataclass(frozen=True, slots=True)
class Proof:
    """Who is at the browser was proved at `proved_at`; `second_factor`: with one, at sign-in or since."""

    signed_in_at: datetime | None = None
    #: The last request of theirs, to the minute.
    seen_at: datetime | None = None
    proved_at: datetime | None = None
    second_factor: bool = False

    @classmethod
    def of(cls, session: Mapping[str, Any]) -> "Proof":
        """What `session` says; a session without it proves nothing."""
        kept = session.get(KEY) or {}
        return cls(
            _moment(kept.get("signed_in_at")),
            _moment(kept.get("seen_at")),
            _moment(kept.get("proved_at")),
            kept.get("second_factor") is True,
        )

    def is_over(self, now: datetime, limit: timedelta) -> bool:
        """Whether the sign-in is longer ago than any session may last."""
        return self.signed_in_at is not None and now - self.signed_in_at >= limit

    def to_json(self) -> dict[str, str | bool | None]:
        """As a session keeps it."""
        return {
            "signed_in_at": _text(self.signed_in_at),
            "seen_at": _text(self.seen_at),
            "proved_at": _text(self.proved_at),
            "second_factor": self.second_factor,
        }


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
