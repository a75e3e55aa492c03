"""Changes to a project: seen versions, addresses that fit, credentials that work before they are current."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.models import AuditEvent, Cloud, Membership, Project
from reinstall.services import connection, inventory, links, projects
from simulator.server import RunningSimulator
from tests.reinstall.conftest import OPERATOR, actor_for

pytestmark = pytest.mark.django_db

SECRET = "canary-secret-key-4711"
PUBLIC = {name: f"https://{name}.cloud.example.com" for name in links.SERVICES}


def change(project: Project, actor: Actor = OPERATOR, version: int = 1, /, **changes: str) -> Project:
    return projects.change_project(
        actor=actor, now=now(), slug=project.slug, version=version, changes=changes
    )


def rotate(project: Project, credentials: dict[str, Any], actor: Actor = OPERATOR) -> projects.Rotated:
    return projects.rotate_credentials(actor=actor, now=now(), slug=project.slug, credentials=credentials)


@pytest.fixture
def admin(user: User, project: Project) -> Actor:
    """alice, who administers shop-prod and nothing else."""
    Membership.objects.create(user=user, project=project, role=Membership.Role.ADMIN)
    return actor_for(user)


def test_a_change_is_written_once_with_its_entry(project: Project, admin: Actor) -> None:
    changed = change(project, admin, name="Shop <b>EU</b>", environment="simulator")
    assert (changed.name, changed.slug, changed.version) == ("Shop <b>EU</b>", "shop-prod", 2)
    entry = AuditEvent.objects.get(action="project.changed")
    assert (entry.before, entry.after) == ({"name": "shop-prod"}, {"name": "Shop <b>EU</b>"})
    assert entry.actor_name == "alice"


def test_nothing_new_is_no_change(project: Project) -> None:
    assert change(project, name=project.name).version == 1
    assert not AuditEvent.objects.filter(action="project.changed").exists()


def test_a_version_that_is_not_the_present_one_writes_nothing(project: Project) -> None:
    change(project, name="first")
    with pytest.raises(Conflict) as caught:
        change(project, name="second")
    assert caught.value.code == "stale"
    assert Project.objects.get().name == "first"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": " x"}, "name", "required"),
        ({"name": "x" * 61}, "name", "required"),
        ({"environment": "Production"}, "environment", "choice"),
        ({"environment": ""}, "environment", "choice"),
        ({"region": "x"}, "region", "unknown"),
    ],
)
def test_each_mistake_is_named(project: Project, changes: dict[str, str], field: str, code: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        change(project, OPERATOR, 1, **changes)
    assert [(error.field, error.code) for error in caught.value.errors] == [(field, code)]


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_a_simulated_project_in_a_private_network_stays_simulated(project: Project, environment: str) -> None:
    with pytest.raises(RuleBroken, match="plain http is for the simulator only") as caught:
        change(project, environment=environment)
    assert caught.value.errors[0].field == "environment"
    Cloud.objects.update(endpoints=PUBLIC)
    assert change(project, environment=environment).environment == environment


def test_private_addresses_are_allowed_where_the_operator_says_so(project: Project, settings: Any) -> None:
    settings.ALLOW_PRIVATE_ENDPOINTS = True
    assert change(project, environment="staging").environment == "staging"


def test_a_real_cloud_is_never_called_simulated(project: Project) -> None:
    Project.objects.update(environment="production")
    Cloud.objects.update(endpoints={"iam": "https://iam.cloud.example.com"}, profile="otc", region="eu-de")
    with pytest.raises(RuleBroken, match=r"ecs\.eu-de\.otc\.t-systems\.com is an address of Open Telekom"):
        change(project, environment="simulator")


@pytest.mark.parametrize(("stands", "wanted"), [("production", "simulator"), ("simulator", "production")])
def test_only_an_administrator_moves_the_border_to_the_simulator(
    project: Project, admin: Actor, stands: str, wanted: str
) -> None:
    Project.objects.update(environment=stands)
    Cloud.objects.update(endpoints=PUBLIC)
    with pytest.raises(RuleBroken, match="administrator"):
        change(project, admin, environment=wanted)
    assert change(project, environment=wanted).environment == wanted


def test_a_change_needs_the_role_admin(project: Project, user: User) -> None:
    with pytest.raises(NotFound):
        change(project, actor_for(user), name="x")
    Membership.objects.create(user=user, project=project, role="requester")
    with pytest.raises(NotAllowed, match="admin"):
        change(project, actor_for(user), name="x")
    with pytest.raises(NotAllowed, match="admin"):
        rotate(project, {"kind": "aksk", "access_key": "a", "secret_key": "b"}, actor_for(user))


def test_credentials_that_work_become_current(
    project: Project, admin: Actor, simulator: RunningSimulator
) -> None:
    fresh = simulator.cloud_json("shop-prod", kind="password")["credentials"]
    rotated = rotate(project, fresh, admin)
    assert [(step.name, step.ok) for step in rotated.steps] == [(n, True) for n in connection.SIGNING_IN]
    project.refresh_from_db()
    assert (project.credential_kind, project.credential_version) == ("password", 2)
    assert project.credentials_set_by_name == "alice" and project.credentials_set_at is not None
    assert links.open_credentials(project)["user"] == fresh["user"]
    report = inventory.sync_project(actor=OPERATOR, now=now(), project=project)
    assert not report.problems
    entry = AuditEvent.objects.get(action="project.credentials_set")
    assert entry.after == {"credentials": "password", "version": 2}
    assert fresh["password"] not in repr(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("change_of", "step"), [({"secret_key": SECRET}, "sign_in"), ({"access_key": "AKNOBODY"}, "sign_in")]
)
def test_credentials_that_do_not_work_leave_the_old_ones(
    project: Project, simulator: RunningSimulator, change_of: dict[str, str], step: str
) -> None:
    wrong = simulator.cloud_json("shop-prod")["credentials"] | change_of
    sealed = bytes(project.credentials_sealed)
    with pytest.raises(
        projects.CredentialsFailed, match="The old credentials stay: Sign-in failed"
    ) as caught:
        rotate(project, wrong)
    assert caught.value.failed.name == step and caught.value.errors[0].code == "credentials_failed"
    assert SECRET not in str(caught.value)
    project.refresh_from_db()
    assert (bytes(project.credentials_sealed), project.credential_version) == (sealed, 1)
    entry = AuditEvent.objects.get(action="project.credentials_refused")
    assert entry.after == {"failed": step, "kept_version": 1}


def test_a_key_that_signs_in_and_sees_no_servers_does_not_become_current(
    project: Project, simulator: RunningSimulator
) -> None:
    refusal = {"error": {"code": "Ecs.0000", "message": "Policy doesn't allow it"}}
    match = {"method": "GET", "path": "*/cloudservers/detail"}
    simulator.faults([{"match": match, "times": 9, "do": "answer", "status": 403, "json": refusal}])
    with pytest.raises(projects.CredentialsFailed) as caught:
        rotate(project, simulator.cloud_json("shop-prod")["credentials"])
    assert caught.value.failed.name == "servers"


@pytest.mark.parametrize("value", [None, [], "x", {}, {"kind": "aksk"}])
def test_what_is_no_credential_is_not_tried(
    project: Project, simulator: RunningSimulator, value: Any
) -> None:
    before = len(simulator.ledger()["requests"])
    with pytest.raises(RuleBroken) as caught:
        rotate(project, value)
    assert caught.value.errors[0].field.startswith("credentials.")
    assert len(simulator.ledger()["requests"]) == before


def test_of_two_who_rotate_at_once_the_second_is_told(
    project: Project, simulator: RunningSimulator, settings: Any
) -> None:
    good = simulator.cloud_json("shop-prod")["credentials"]
    late = Project.objects.get()
    rotate(project, good)
    with pytest.raises(Conflict, match="meanwhile"):
        projects._set(OPERATOR, now(), late, good)
    assert Project.objects.get().credential_version == 2
