"""Who acts, and through which door. Every service that changes something takes one of these."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """The door an act came through."""

    BROWSER = "browser"
    TOKEN = "token"
    COMMAND = "command"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (or the engine) as services see them, made by the door from what it read this very request."""

    user_id: int | None
    name: str
    source: Source
    token_id: int | None = None
    token_name: str = ""
    address: str = ""
    request_id: str = ""
    #: A superuser sees every project; everybody else those they are a member of.
    sees_all: bool = False
    #: None: not limited (a browser session). Otherwise what a token may do: read, request.
    scopes: frozenset[str] | None = None
    #: Primary keys of the projects a token is limited to; None: not limited, empty: to none that is left.
    only_projects: tuple[int, ...] | None = None
    #: Whether this session was signed in with a second factor.
    second_factor: bool = False
    #: When whoever is at the browser last proved to be the person; None: not in this session.
    proved_at: datetime | None = None

    @property
    def principal(self) -> str:
        """Stable key of who is acting, for idempotency: a token is a principal of its own."""
        return f"token:{self.token_id}" if self.token_id else f"user:{self.user_id}"


#: The engine itself, for moves nobody asked for at that moment.
ENGINE = Actor(user_id=None, name="engine", source=Source.SYSTEM, sees_all=True)
