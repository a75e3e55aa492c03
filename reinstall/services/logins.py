"""Which logins a cloud takes for a reinstall, and why not the others."""

from dataclasses import dataclass

from ecsclient.profiles import KEYPAIR, PASSWORD, USER_DATA
from reinstall.models import Project
from reinstall.services import links


@dataclass(frozen=True, slots=True)
class LoginChoice:
    """One way to sign in afterwards: `value` is the form's. `why_not`: "" where the cloud takes it."""

    value: str
    words: str
    hint: str
    why_not: str


#: Mode of the profile, value and words of the form, a hint, and the note of the profile that says why not.
_ALL = (
    (KEYPAIR, "keypair", "Key pair", "The public half is put on the server", "keyname"),
    (PASSWORD, "password", "Password", "Set by the cloud; never shown again", "adminpass"),
    (USER_DATA, "script", "Script", "Set up by the script of section 3 alone", "user_data"),
)


def login_choices(project: Project) -> tuple[LoginChoice, ...]:
    """Key pair, password, script: in this order, each taken or with the reason."""
    profile = links.profile_of(project)
    generic = f"{profile.title} does not document it as the only login."
    return tuple(
        LoginChoice(
            value, words, hint, "" if mode in profile.login_modes else profile.notes.get(note, generic)
        )
        for mode, value, words, hint, note in _ALL
    )
