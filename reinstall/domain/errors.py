"""What the product says when it refuses. Doors turn these into a form error or a problem document."""

from dataclasses import dataclass

from reinstall.domain.throttles import Standing


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong: `field` is the name a person sees in form and REST ("" = the whole)."""

    field: str
    message: str
    code: str = "invalid"


class RuleBroken(Exception):
    """A rule of the product says no. Carries one or more FieldErrors; nothing was changed."""

    def __init__(self, message: str, field: str = "", code: str = "invalid") -> None:
        super().__init__(message)
        self.errors: tuple[FieldError, ...] = (FieldError(field, message, code),)

    @classmethod
    def of(cls, errors: list[FieldError]) -> "RuleBroken":
        """All that is wrong at once, so that nobody corrects one field per round."""
        broken = cls(errors[0].message, errors[0].field, errors[0].code)
        broken.errors = tuple(errors)
        return broken


class NotAllowed(Exception):
    """The person may see the thing but not do this. The message names the right that is missing."""


class NeedsSecondFactor(NotAllowed):
    """The act is for sessions signed in with a second factor, and this one was not."""


class NeedsProof(NotAllowed):
    """The act wants a fresh proof of who is at the browser; the last one is too long ago."""


class NotFound(Exception):
    """There is no such thing, or it is not theirs: the two are told apart nowhere."""


class Conflict(Exception):
    """Somebody else was first. The message says who or what; `job` is the job that holds the server."""

    def __init__(
        self, message: str, *, job: int | None = None, field: str = "", code: str = "conflict"
    ) -> None:
        super().__init__(message)
        self.job = job
        self.field = field
        self.code = code


class TooMany(RuleBroken):
    """A limit is reached; `standing` says which one, and when the same may be asked again."""

    def __init__(self, message: str, standing: Standing) -> None:
        super().__init__(message, "", "too_many_requests")
        self.standing = standing


class NotRecorded(Exception):
    """The audit entry of the act could not be written, so the act was not done."""
