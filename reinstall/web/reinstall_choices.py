"""What the reinstall form offers to choose from, and what it starts with."""

from dataclasses import dataclass

from django.conf import settings

from reinstall.domain.actors import Actor
from reinstall.domain.approvals import needs_approval
from reinstall.domain.spec import MODE_STOP_FIRST, USER_DATA_MAX_BYTES
from reinstall.selectors.keypairs import KeyPairView, key_pairs, kms_keys
from reinstall.selectors.projects import get_project
from reinstall.selectors.servers import ServerView
from reinstall.services.logins import login_choices
from reinstall.services.orders import phrase_of_server
from reinstall.web.forms import ReinstallForm
from reinstall.web.preset_choice import preset_context

SOURCES = (("none", "None"), ("write", "Write"), ("upload", "Upload"))
ENCRYPTIONS = (
    ("", "Leave it out", "The cloud decides"),
    ("0", "Do not encrypt", "Sent as “0”"),
    ("1", "Encrypt with a KMS key", "Needs the grant from EVS to KMS at the cloud"),
)
LICENSES = (
    ("false", "From the cloud", "The usual choice"),
    ("true", "Bring your own", "For SUSE, Oracle or Red Hat"),
)
MODES = (
    (MODE_STOP_FIRST, "Stop it first", "The server is shut down, then reinstalled"),
    ("", "Leave that out", "No mode is sent; the checks say what happens if it runs"),
)


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """One key pair of the pick list; `userid` goes with it."""

    name: str
    userid: str
    fingerprint: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The key pairs of one cloud user."""

    userid: str
    keys: tuple[KeyChoice, ...]


def first_values(actor: Actor, server: ServerView) -> dict[str, str]:
    """What a fresh form starts with: the server's present key pair, if it is still there; no other guess."""
    values = {"login": "keypair", "user_data_source": "none", "encrypted": "", "byol": "false"}
    values["mode"] = "" if server.row.state == "stopped" else MODE_STOP_FIRST
    owners = [k.userid for k in _keys(actor, server.row.project_slug) if k.name == server.keyname]
    if owners:
        values["keyname"] = server.keyname
        values["userid"] = server.userid if server.userid in owners else owners[0]
    return values


def choices_for(actor: Actor, server: ServerView, form: ReinstallForm) -> dict[str, object]:
    """Context for the form's templates: lists to choose from and what is chosen."""
    return {
        **setting_choices(actor, server.row.project_slug, form),
        **_login_context(actor, server, form),
        **preset_context(actor, server.row.project_slug, form),
        "phrase": phrase_of_server(server.row.id),
        "waits": needs_approval(settings.SECOND_PERSON, server.row.project_environment),
    }


def setting_choices(actor: Actor, project: str, form: ReinstallForm) -> dict[str, object]:
    """The part of them that is of the project alone: what a preset can say too."""
    keyname, userid = _value(form, "keyname"), _value(form, "userid")
    groups = _grouped(_keys(actor, project), keyname, userid)
    listed = any(key.name == keyname for group in groups for key in group.keys)
    return {
        "max_bytes": USER_DATA_MAX_BYTES,
        "key_groups": groups,
        "unlisted_key": "" if listed else keyname,
        "kms_keys": kms_keys(actor, get_project(actor, project)),
        "cmkid": _value(form, "cmkid"),
        "sources": sources_of(form),
        "source": _value(form, "user_data_source") or ("write" if _value(form, "user_data") else "none"),
        "encryptions": ENCRYPTIONS,
        "encrypted": _value(form, "encrypted"),
        "licenses": LICENSES,
        "byol": _value(form, "byol") or "false",
        "modes": MODES,
        "mode": _value(form, "mode"),
    }


def sources_of(form: ReinstallForm, preset: str = "From preset") -> tuple[tuple[str, str], ...]:
    """Where the script may come from; from the preset in use where that has one."""
    has_script = form.used is not None and form.used.settings.user_data
    return (*SOURCES, ("preset", preset)) if has_script else SOURCES


def _login_context(actor: Actor, server: ServerView, form: ReinstallForm) -> dict[str, object]:
    """The logins this cloud takes, those it does not with the reason, and the one chosen."""
    choices = login_choices(get_project(actor, server.row.project_slug))
    return {
        "logins": tuple(choice for choice in choices if not choice.why_not),
        "no_logins": tuple(choice for choice in choices if choice.why_not),
        "login": _value(form, "login") or "keypair",
    }


def _value(form: ReinstallForm, name: str) -> str:
    return str(form[name].value() or "")


def _keys(actor: Actor, project: str) -> tuple[KeyPairView, ...]:
    return key_pairs(actor, get_project(actor, project))


def _grouped(keys: tuple[KeyPairView, ...], keyname: str, userid: str) -> tuple[KeyGroup, ...]:
    """By owner. A name two people use is chosen for the user id that was given, else for the first."""
    owners = [key.userid for key in keys if key.name == keyname]
    owner = userid if userid in owners else next(iter(owners), "")
    by_user: dict[str, list[KeyChoice]] = {}
    for key in keys:
        chosen = key.name == keyname and key.userid == owner
        by_user.setdefault(key.userid, []).append(KeyChoice(key.name, key.userid, key.fingerprint, chosen))
    return tuple(KeyGroup(user, tuple(found)) for user, found in by_user.items())
