"""Who gets which answer at which address: the one table the matrix is held against."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reinstall.edge.world import (
    ANONYMOUS,
    FOREIGN,
    MISSING,
    NOBODY,
    OWN,
    ROLES,
    STRANGER,
    SUPERUSER,
)

#: Written out here and not read from the code: a right given to one more role has to be given here too.
ALL = frozenset({"viewer", "requester", "approver", "operator", "auditor", "admin"})
REQUEST = frozenset({"requester", "operator", "admin"})
SETTLE = frozenset({"operator", "admin"})
#: Declining is for admins too; approving is not, and tests/reinstall/services/test_approving.py holds that.
DECLINE = frozenset({"approver", "admin"})
AUDIT = frozenset({"auditor", "admin"})
MANAGE = frozenset({"admin"})
SCRIPTS = frozenset({"requester", "operator", "approver", "admin"})
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expected:
    """The status of one method at one address. `reach` says by person and object who can see the object."""

    code: int
    #: Of those who see it, the roles that may; others get `refused`.
    roles: frozenset[str] = ALL
    refused: int = 403
    reach: str = "project"
    #: What a token gets in the place of everything it would be let in for; token_first: whatever it names.
    token: int = 0
    token_first: bool = False
    #: What somebody gets who is not signed in, where that is not the way to the sign-in.
    anonymous: int = 0

    def status(self, who: str, which: str, *, rest: bool, by_token: bool = False) -> int:
        if self.reach == "everybody":
            return self.code
        if who == ANONYMOUS:
            return self.anonymous or (401 if rest else 302)
        if by_token and self.token_first:
            return self.token
        if self.reach == "nowhere" or not _REACH[self.reach](who, which):
            return 404
        if by_token and self.token:
            return self.token
        return self.code if who == SUPERUSER or _role(who) in self.roles else self.refused


def _role(who: str) -> str:
    """The role this person has where the object is, or that counts for somebody without any."""
    return "admin" if who == STRANGER else who


def _in_project(who: str, which: str) -> bool:
    inside = {OWN: (*ROLES, SUPERUSER), FOREIGN: (STRANGER, SUPERUSER), MISSING: ()}
    return who in inside[which]


def _personal(who: str, which: str) -> bool:
    return {OWN: who != STRANGER, FOREIGN: who == STRANGER, MISSING: False}[which]


def _owner_or_superuser(who: str, which: str) -> bool:
    return _personal(who, which) or (who == SUPERUSER and which == FOREIGN)


def _chosen(who: str, which: str) -> bool:
    """A selection is one person's, of servers they can see."""
    return _personal(who, which) and who != NOBODY


_REACH: dict[str, Callable[[str, str], bool]] = {
    "project": _in_project,
    "person": _personal,
    "person or superuser": _owner_or_superuser,
    "selection": _chosen,
    "people": lambda who, which: True,
    "known cloud": lambda who, which: which != MISSING or who != SUPERUSER,
}


def members(code: int = 200, **more: Any) -> Expected:
    """Whoever has a role in the project of the object."""
    return Expected(code, ALL, **more)


def may_request(code: int, **more: Any) -> Expected:
    return Expected(code, REQUEST, **more)


def may_settle(code: int, **more: Any) -> Expected:
    return Expected(code, SETTLE, **more)


def may_decline(code: int, **more: Any) -> Expected:
    return Expected(code, DECLINE, **more)


def may_read_people(code: int) -> Expected:
    return Expected(code, AUDIT)


def may_manage(code: int, **more: Any) -> Expected:
    return Expected(code, MANAGE, **more)


def people(code: int = 200) -> Expected:
    """Everybody who is signed in; what they see is scoped by the list itself."""
    return Expected(code, ALL | {NOBODY}, reach="people")


def superusers(code: int, reach: str = "people") -> Expected:
    return Expected(code, NONE, reach=reach)


def owner(code: int, **more: Any) -> Expected:
    """The person whose thing it is, whatever their role."""
    return Expected(code, ALL | {NOBODY}, reach="person", **more)


def chosen(code: int, roles: frozenset[str] = ALL, refused: int = 200) -> Expected:
    return Expected(code, roles, refused, reach="selection")


EVERYBODY = Expected(200, reach="everybody")
NOTHING = Expected(404, reach="nowhere")
EVERY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")

#: Pages: route -> method -> what is expected. HEAD is answered as GET is, OPTIONS by nobody's rule.
PAGES: dict[str, dict[str, Expected]] = {
    "home": dict.fromkeys(EVERY_METHOD, people(302)),
    "sign-in": dict.fromkeys(EVERY_METHOD, Expected(302, ALL | {NOBODY}, reach="people", anonymous=200))
    | dict.fromkeys(("PATCH", "DELETE"), Expected(302, ALL | {NOBODY}, reach="people", anonymous=405)),
    "sign-out": {"POST": Expected(302, reach="everybody")},
    "servers": {"GET": people()},
    "select": {"POST": may_request(303)},
    "reinstall-many": {"GET": chosen(303, REQUEST), "POST": chosen(200)},
    "reinstall-many-check": {"POST": chosen(200)},
    "server-changes": {"GET": people()},
    "servers-csv": {"GET": people()},
    "view-save": {"POST": people(303)},
    "view-delete": {"POST": owner(303)},
    "server": {"GET": members()},
    "reinstall": {"GET": may_request(200), "POST": may_request(200)},
    "reinstall-check": {"POST": may_request(200)},
    "protect": {"POST": may_request(303)},
    "unprotect": {"POST": may_request(303)},
    "sync": {"POST": may_request(302)},
    "sync-progress": {"GET": members()},
    "jobs": {"GET": people()},
    "job": {"GET": members()},
    "job-fragment": {"GET": members()},
    "job-events": {"GET": members()},
    "job-cancel": {"POST": may_request(302)},
    "job-settle": {"GET": Expected(302, ALL | {NOBODY}, reach="people"), "POST": may_settle(303)},
    "job-second": {"POST": may_settle(200)},
    # There is no script in the world of the matrix: those who might see it are told so.
    "job-script": {"POST": Expected(303, SCRIPTS)},
    "job-report": {"GET": members()},
    "job-exchange": {"GET": members()},
    "clouds": {"GET": people()},
    "cloud-new": {"GET": superusers(200), "POST": superusers(200)},
    "cloud": {"GET": members(), "POST": may_manage(303)},
    "cloud-credentials": {"POST": may_manage(200)},
    "people": {"GET": may_read_people(200), "POST": may_manage(303)},
    "people-end": {"POST": may_manage(303)},
    "cloud-test": {"GET": may_manage(200), "POST": may_manage(303)},
    "cloud-test-steps": {"POST": may_manage(200)},
    "presets": {"GET": people()},
    "preset-new": {"GET": may_request(200), "POST": may_request(200)},
    "preset-check": {"POST": members()},
    "preset": {"GET": members()},
    "preset-version": {"GET": members()},
    "preset-script": {"POST": Expected(303, SCRIPTS)},
    "preset-change": {"GET": may_request(200), "POST": may_request(409)},
    "preset-retire": {"POST": may_request(303)},
    "preset-restore": {"POST": may_request(303)},
    "preset-delete": {"POST": may_request(303)},
    "key-pairs": {"GET": people()},
    "audit": {"GET": people()},
    "audit-entry": {"GET": members()},
    "audit-export": {"POST": people()},
    "audit-verify": {"GET": people(), "POST": superusers(303)},
    "approvals": {"GET": people()},
    "approval": {"GET": members()},
    "approval-decide": {"POST": may_decline(303)},
    "tokens": {"GET": people(), "POST": people()},
    "token-revoke": {"POST": Expected(302, ALL | {NOBODY}, reach="person or superuser")},
    "health": {"GET": superusers(200)},
    "freeze": {"POST": superusers(303)},
    "breaker-close": {"POST": superusers(303, "known cloud")},
    "live": {"GET": EVERYBODY},
    # No worker has looked for work in a test.
    "ready": {"GET": Expected(503, reach="everybody")},
    # Who is half signed in goes on there; all others are led away.
    "sign-in-code": dict.fromkeys(("GET", "POST"), Expected(302, reach="everybody")),
    "sign-in-again": {"GET": people(), "POST": people()},
    # Not set up here.
    "sso": {"GET": Expected(404, reach="everybody")},
    "sso-callback": {"GET": Expected(404, reach="everybody")},
    "security": {"GET": people()},
    "app-new": {"GET": people(), "POST": people()},
    "passkey-new": {"GET": people(), "POST": people()},
    "codes-new": {"POST": people()},
    "factor-remove": {"POST": owner(303)},
    "password-change": {"GET": people(), "POST": people()},
    "session-end": {"POST": owner(303)},
    "sessions-end": {"POST": people(303)},
    "api-docs": {"GET": people()},
    # Its part of the address is a resource, and a project is none.
    "api-docs-resource": {"GET": Expected(404, ALL | {NOBODY}, reach="people")},
    "csp-reports": {"POST": Expected(204, reach="everybody")},
    "/favicon.ico": dict.fromkeys(EVERY_METHOD, Expected(302, reach="everybody")),
}

_LIST = {"GET": people()}
_READ = {"GET": members()}

#: REST: the same, by the methods of the OpenAPI document.
REST: dict[str, dict[str, Expected]] = {
    "api:projects": {"GET": people(), "POST": superusers(201)},
    "api:project": {"GET": members(), "PATCH": may_manage(200)},
    "api:project-check": {"POST": may_manage(200)},
    "api:project-credentials": {"POST": may_manage(422)},
    "api:project-sync": {"GET": members(), "POST": may_request(200)},
    "api:project-sync-run": _READ,
    "api:images": _LIST,
    "api:servers": _LIST,
    "api:server": _READ,
    "api:server-protect": {"POST": may_request(200)},
    "api:server-unprotect": {"POST": may_request(409)},
    "api:key-pairs": _LIST,
    "api:kms-keys": _LIST,
    "api:presets": {"GET": people(), "POST": may_request(201)},
    "api:preset": {"GET": members(), "DELETE": may_request(204)},
    "api:preset-versions": {"POST": may_request(201)},
    "api:preset-version": _READ,
    "api:preset-retire": {"POST": may_request(200)},
    "api:preset-restore": {"POST": may_request(200)},
    "api:orders": {"GET": people(), "POST": may_request(200)},
    "api:order": _READ,
    "api:jobs": _LIST,
    "api:job": _READ,
    "api:job-cancel": {"POST": may_request(409)},
    "api:job-events": _READ,
    "api:job-evidence": _READ,
    # Settled by people: no token gets further than to the object.
    "api:job-settle": {"POST": may_settle(200, token=403)},
    "api:job-proposal": {"POST": may_settle(409, token=403)},
    "api:job-exchange": _READ,
    "api:tokens": {"GET": people(), "POST": Expected(201, ALL, token=403, token_first=True)},
    "api:token": {"GET": owner(200), "DELETE": owner(204, token=403)},
    "api:audit": _LIST,
    "api:approvals": _LIST,
    "api:approval": _READ,
    "api:approval-decide": {"POST": may_decline(200, token=403)},
    "api:audit-entry": _READ,
    "api:system": {"GET": people()},
    "api:system-freeze": {"POST": superusers(200)},
    "api:system-breaker-close": {"POST": superusers(200, "known cloud")},
    "api:openapi": _LIST,
    "/api/v1/nothing-here/": dict.fromkeys(EVERY_METHOD, NOTHING),
}
TABLE = PAGES | REST
