"""What each role of a project may do. One table: services refuse by it, pages show or hide by it."""

from enum import StrEnum


class Right(StrEnum):
    """What somebody may do in a project, besides seeing it, which every role may."""

    #: Ask for reinstalls and call them off; presets, protection, reading the inventory anew.
    REQUEST = "request"
    #: Say what became of an unclear job.
    SETTLE = "settle"
    #: Agree to what somebody else asked for, or decline it. Never a token.
    APPROVE = "approve"
    #: Read what was done to people, tokens, credentials and settings.
    AUDIT = "audit"
    #: Give and take roles, change credentials and settings.
    MANAGE = "manage"


#: Role -> its rights. An admin does not approve: whoever gives roles is not whom they wait for.
RIGHTS: dict[str, frozenset[Right]] = {
    "viewer": frozenset(),
    "requester": frozenset({Right.REQUEST}),
    "approver": frozenset({Right.APPROVE}),
    "operator": frozenset({Right.REQUEST, Right.SETTLE}),
    "auditor": frozenset({Right.AUDIT}),
    "admin": frozenset({Right.REQUEST, Right.SETTLE, Right.AUDIT, Right.MANAGE}),
}

#: The same in words, for whoever gives a role.
ABOUT: dict[str, str] = {
    "viewer": "Reads servers, jobs and what was done to servers.",
    "requester": "Asks for reinstalls, calls them off; changes presets and protection, reads the cloud anew.",
    "approver": "Approves or declines what others asked for.",
    "operator": "All a requester may, and says what became of an unclear job.",
    "auditor": "Reads also what was done to people, tokens, credentials and settings.",
    "admin": "All an operator and an auditor may; gives roles, sets credentials. Does not approve.",
}

#: What no token may do, whatever its scopes: a second pair of eyes is a person's.
PEOPLE_ONLY = frozenset({Right.APPROVE, Right.SETTLE})

#: Either of them is enough to be shown a first-boot script: it is sent, or agreed to, by these people.
READS_SCRIPTS = (Right.REQUEST, Right.APPROVE)

_ACTS = {
    Right.REQUEST: "Reinstalls in {project} need",
    Right.SETTLE: "Settling jobs in {project} needs",
    Right.APPROVE: "Approving in {project} needs",
    Right.AUDIT: "Reading this in {project} needs",
    Right.MANAGE: "This act in {project} needs",
}


def roles_with(right: Right) -> tuple[str, ...]:
    """The roles that have `right`, the narrowest first."""
    having = [role for role in RIGHTS if right in RIGHTS[role]]
    return tuple(sorted(having, key=lambda role: len(RIGHTS[role])))


def missing_right(right: Right, project: str) -> str:
    """What to tell somebody who lacks `right` in `project`, and who can help."""
    act, role = _ACTS[right].format(project=project), roles_with(right)[0]
    return f"{act} the role {role}. An admin of the project gives it."
