"""Two projects, a row of everything in each, and one person for each role: what the matrix is asked about."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.utils.timezone import now

from reinstall.domain.states import JobState
from reinstall.models import (
    Exchange,
    Membership,
    Project,
    SavedView,
    Selection,
    SignedIn,
    SyncRun,
)
from tests.reinstall.api.client import a_token
from tests.reinstall.rows import (
    T0,
    a_job,
    a_key_pair,
    a_kms_key,
    a_person,
    a_preset,
    a_project,
    a_server,
    an_approval,
    an_entry,
    an_image,
    an_order,
)

ROLES = tuple(str(role) for role in Membership.Role)
ANONYMOUS, SUPERUSER, STRANGER, NOBODY = "anonymous", "superuser", "stranger", "nobody"
#: The stranger is admin of the other project; nobody is signed in and has no role anywhere.
PEOPLE = (ANONYMOUS, *ROLES, SUPERUSER, STRANGER, NOBODY)
OWN, FOREIGN, MISSING = "own", "foreign", "missing"
WHICH = (OWN, FOREIGN, MISSING)
#: In every text of the other project, so that one look tells whether anything of it was shown.
TRACE = "hushhush"


@dataclass(frozen=True, slots=True)
class Things:
    """Of one project: the value of each address parameter, and the rows bodies name."""

    project: Project
    values: dict[str, object]
    of_person: dict[str, dict[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """`things` by own and foreign; `people` by who they are."""

    things: dict[str, Things]
    people: dict[str, User]

    def values(self, which: str, who: str = "") -> dict[str, object]:
        """What stands in the place of the parameters of an address."""
        if which == MISSING:
            return dict(MISSING_VALUES)
        things = self.things[which]
        return things.values | things.of_person.get(who, {})


MISSING_VALUES: dict[str, object] = {
    "server_id": "00000000-0000-4000-8000-000000000000",
    "selection": "00000000-0000-4000-8000-000000000001",
    "slug": "not-there",
    "preset": "not-there",
    "number": 1,
    "object_id": 999_999,
    "id": 999_999,
    "content_type_id": 999_999,
    "app_label": "auth",
    **dict.fromkeys(("job_id", "order_id", "approval_id", "run_id", "entry_id"), 999_999),
    **dict.fromkeys(("token_id", "view_id", "cloud_id", "factor_id", "session_id"), 999_999),
}


def a_world() -> World:
    """Two projects; everybody but the stranger belongs to the first, if to any."""
    return with_the_other(half_a_world())


def half_a_world() -> World:
    """The first project and its people, before there is another one."""
    Group.objects.create(name="none of ours")
    people = {NOBODY: a_person(NOBODY), SUPERUSER: User.objects.create_superuser(SUPERUSER)}
    own = a_project("shop")
    people |= {role: a_person(role, own, role=role) for role in ROLES}
    things = _things(own, people["requester"], "plain")
    things.of_person.update({who: _of_person(own, person, "plain") for who, person in people.items()})
    return World({OWN: things}, people)


def with_the_other(world: World) -> World:
    """The same, with the other project beside it."""
    foreign = a_project(TRACE)
    stranger = a_person(STRANGER, foreign, role=Membership.Role.ADMIN)
    own, others = world.things[OWN].of_person, _things(foreign, stranger, TRACE)
    for who in (*world.people, STRANGER):
        others.of_person[who] = _of_person(foreign, stranger, f"{TRACE}-{who}")
    for of_person in (own, others.of_person):
        of_person |= {who: of_person["requester"] for who in (ANONYMOUS, STRANGER) if who not in of_person}
    return World({OWN: world.things[OWN], FOREIGN: others}, world.people | {STRANGER: stranger})


def _things(project: Project, person: User, word: str) -> Things:
    server = a_server(
        project,
        f"web-{word}",
        image_name=word,
        image_id=word,
        tags=[f"is={word}"],
        flavor=word,
        created_at=T0,
    )
    order = an_order(project, person, reason=word)
    job = a_job(
        order,
        server,
        JobState.ATTENTION,
        sent_at=T0,
        baseline={"server_id": str(server.pk), "name": server.name, "status": "ACTIVE"},
        waiting_for=word,
    )
    job.attempts.create(
        number=1,
        verdict="accepted",
        body_sha256="0" * 64,
        signed_at=T0,
        intent_at=T0,
        status=200,
        message=word,
    )
    Exchange.objects.create(job=job, at=T0, last_at=T0, method="GET", path=f"/v1/{word}")
    ended = a_job(order, a_server(project, f"old-{word}"), JobState.FAILED, failure_message=word)
    entry = an_entry(ended, JobState.FAILED, 1, T0, word)
    # Asked for by somebody who decides nothing: nobody decides about what they asked for themselves.
    waiting = an_order(project, User.objects.get(username=NOBODY), reason=word)
    new = a_server(project, f"new-{word}")
    snapshot = {"server_id": str(new.pk), "name": new.name, "disks": []}
    a_job(waiting, new, JobState.AWAITING_APPROVAL, snapshot=snapshot)
    approval = an_approval(waiting)
    a_key_pair(project, f"pair-{word}")
    a_kms_key(project, alias=f"key-{word}")
    an_image(project, name=f"image-{word}")
    cloud = project.cloud
    preset = a_preset(project, f"preset-{word}")
    run = SyncRun.objects.create(
        project=project, requested_by_name=word, requested_at=T0, started_at=T0, ended_at=T0
    )
    values: dict[str, object] = {
        "server_id": server.pk,
        "job_id": job.pk,
        "order_id": order.pk,
        "entry_id": entry.pk,
        "run_id": run.pk,
        "approval_id": approval.pk,
        "slug": project.slug,
        "number": 1,
        "cloud_id": cloud.pk,
        "preset": preset.slug,
        "content_type_id": 1,
        "app_label": "auth",
    }
    return Things(project, values)


def _of_person(project: Project, person: User, word: str) -> dict[str, object]:
    """What belongs to a person and not to a project: a token, a kept list, a selection of servers."""
    a_token(person)
    view = SavedView.objects.create(user=person, page="servers", name=word, query=f"q={word}", created_at=T0)
    ids = [str(server.pk) for server in project.servers.all()]
    selection = Selection.objects.create(
        user=person, project=project, server_ids=ids, created_at=now() - timedelta(minutes=1)
    )
    token: Any = person.api_tokens.order_by("-pk")[0]
    factor = Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={"name": word})
    session = SignedIn.objects.create(user=person, key=uuid.uuid4().hex, signed_in_at=T0, seen_at=now())
    return {
        "token_id": token.pk,
        "view_id": view.pk,
        "selection": selection.pk,
        "factor_id": factor.pk,
        "session_id": session.pk,
    }
