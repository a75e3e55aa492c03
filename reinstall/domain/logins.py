"""The login a reinstalled server gets: key pair, password, or what a script sets up.

Sources: the API pages "Reinstalling an ECS OS" with and without Cloud-Init (password: 8 to 26 characters of
three kinds; Windows: nothing of the user name), and the rules of the clouds' profiles.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reinstall.domain.errors import FieldError

if TYPE_CHECKING:
    from reinstall.domain.spec import ReinstallSpec

PASSWORD_SPECIALS = "!@$%^-_=+[{}]:,./?~#*"
PASSWORD_MIN, PASSWORD_MAX = 8, 26
KINDS_WANTED = 3
#: Whom the cloud's Windows images sign in as.
WINDOWS_USER = "Administrator"
#: So many characters in a row of the user's name are too many.
_RUN = 3

_KEYNAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USERID = re.compile(r"[0-9a-f]{32}")
_KINDS = tuple(re.compile(kind) for kind in ("[A-Z]", "[a-z]", "[0-9]", f"[{re.escape(PASSWORD_SPECIALS)}]"))
_ALLOWED = re.compile(f"[A-Za-z0-9{re.escape(PASSWORD_SPECIALS)}]*")


def login_errors(spec: "ReinstallSpec") -> list[FieldError]:
    """What is wrong with the login `spec` asks for, whatever server it is for."""
    return [*_missing(spec), *_key_errors(spec), *_password_errors(spec)]


def _missing(spec: "ReinstallSpec") -> Iterator[FieldError]:
    if spec.keyname or spec.adminpass or (spec.limits.user_data_only and spec.user_data):
        return
    other = ", or set a password" if spec.limits.allows_password else ""
    yield FieldError("keyname", f"Choose the key pair that signs in after the reinstall{other}.", "required")


def _key_errors(spec: "ReinstallSpec") -> Iterator[FieldError]:
    if spec.keyname and not _KEYNAME.fullmatch(spec.keyname):
        yield FieldError(
            "keyname", "A key pair name has 1 to 64 letters, digits, hyphens or underscores.", "format"
        )
    if spec.userid and not _USERID.fullmatch(spec.userid):
        yield FieldError(
            "userid", "A user ID has 32 characters, 0-9 and a-f, as in the key pair's owner.", "format"
        )
    if spec.keyname and not spec.userid:
        yield FieldError(
            "userid", "Enter the user ID the key pair belongs to; the cloud looks it up there.", "required"
        )


def _password_errors(spec: "ReinstallSpec") -> Iterator[FieldError]:
    """No sentence repeats any of the password."""
    if not spec.adminpass:
        return
    if not spec.limits.allows_password:
        why = spec.limits.password_note or f"{spec.limits.cloud_title} takes no password for a reinstall."
        yield FieldError("adminpass", why, "not_on_this_cloud")
        return
    if spec.keyname:
        yield FieldError("adminpass", "Choose a key pair or a password, not both.", "exclusive")
    fault = password_fault(spec.adminpass)
    if fault:
        yield FieldError("adminpass", fault, "format")


def password_fault(text: str) -> str:
    """The rule of the cloud that a password breaks, as a sentence; "" where it breaks none."""
    if not _ALLOWED.fullmatch(text):
        return f"A password has letters A-Z and a-z, digits, and of the others only {PASSWORD_SPECIALS}"
    if not PASSWORD_MIN <= len(text) <= PASSWORD_MAX:
        return f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters; this one has {len(text):,}."
    if sum(kind.search(text) is not None for kind in _KINDS) < KINDS_WANTED:
        return "A password has at least three kinds of upper case, lower case, digits and special characters."
    return ""


def windows_fault(text: str) -> str:
    """What Windows servers refuse besides: the user name, forwards or backwards, and parts of it."""
    name, said = WINDOWS_USER.lower(), text.lower()
    backwards = name[::-1]
    runs = {part[at : at + _RUN] for part in (name, backwards) for at in range(len(part) - _RUN + 1)}
    if not any(run in said for run in runs):
        return ""
    return (
        f"On Windows a password may not hold more than two characters in a row of {WINDOWS_USER}, "
        "neither forwards nor backwards."
    )
