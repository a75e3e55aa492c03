"""Single sign-on by OpenID Connect: what is set up, and what groups of the identity provider mean here."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

#: The weightier ones later: who is in two groups has the last of their roles.
ROLES = ("viewer", "auditor", "requester", "approver", "operator", "admin")
_NEEDED = ("issuer", "client_id", "client_secret")
_KNOWN = {*_NEEDED, "groups_claim", "name", "roles", "staff", "superusers"}


@dataclass(frozen=True, slots=True)
class SignOn:
    """One identity provider. roles: a group's name to (project, role) it stands for."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    groups_claim: str = "groups"
    #: As the button says it.
    name: str = "SSO"
    roles: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    staff: frozenset[str] = frozenset()
    superusers: frozenset[str] = frozenset()

    @property
    def projects(self) -> frozenset[str]:
        """Projects whose roles are given by groups; in all others they are given here."""
        return frozenset(project for pairs in self.roles.values() for project, _ in pairs)

    def roles_of(self, groups: Iterable[str]) -> dict[str, str]:
        """Project to role, for somebody in these groups."""
        found: dict[str, str] = {}
        for group in groups:
            for project, role in self.roles.get(group, ()):
                before = found.get(project)
                if before is None or ROLES.index(role) > ROLES.index(before):
                    found[project] = role
        return found


def read_sign_on(text: str) -> SignOn | None:
    """What a JSON object says; None for "". Raises ValueError, whose sentence never repeats the secret."""
    if not text:
        return None
    try:
        said = json.loads(text)
    except ValueError:
        raise ValueError("is not JSON") from None
    if not isinstance(said, dict) or set(said) - _KNOWN or not all(_word(said.get(name)) for name in _NEEDED):
        raise ValueError(f"is a JSON object with {', '.join(_NEEDED)}; known besides: {', '.join(_others())}")
    parts = urlsplit(said["issuer"])
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
        raise ValueError("has an issuer that is not https://…")
    return SignOn(
        issuer=said["issuer"],
        client_id=said["client_id"],
        client_secret=said["client_secret"],
        groups_claim=said.get("groups_claim", "groups"),
        name=said.get("name", "SSO"),
        roles={group: _pairs(group, given) for group, given in _object(said.get("roles", {})).items()},
        staff=frozenset(_words("staff", said.get("staff", []))),
        superusers=frozenset(_words("superusers", said.get("superusers", []))),
    )


def _others() -> list[str]:
    return sorted(_KNOWN - set(_NEEDED))


def _word(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError('has roles that are not an object of group to "project:role"')
    return value


def _words(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(_word(one) for one in value):
        raise ValueError(f"has {name} that is not a list of groups")
    return value


def _pairs(group: str, given: object) -> tuple[tuple[str, str], ...]:
    texts = _words(f"roles of {group}", [given] if isinstance(given, str) else given)
    pairs = tuple(tuple(text.rsplit(":", 1)) for text in texts)
    if not all(len(pair) == 2 and pair[0] and pair[1] in ROLES for pair in pairs):
        raise ValueError(
            f'gives {group} a role that is not "project:role", the role one of {", ".join(ROLES)}'
        )
    return tuple((project, role) for project, role in pairs)
