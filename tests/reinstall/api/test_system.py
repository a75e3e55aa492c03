"""The installation over REST: what holds reinstalls, who may stop and release them, what is written down."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from reinstall.domain.actors import ENGINE
from reinstall.domain.states import JobState, Verdict
from reinstall.models import Attempt, AuditEvent, Cloud, EngineTick, Job, Project, SystemFlag
from reinstall.selectors.guards import active_guards
from tests import query_ledger
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.rows import a_job, a_person, a_project, a_server, an_order

REASON = "storage incident"


@pytest.fixture
def root(shop: Project) -> Caller:
    """A superuser's token."""
    return Caller(a_token(User.objects.create_superuser("root")))


def opened(project: Project) -> Cloud:
    """The breaker of the project's cloud is open."""
    cloud: Cloud = project.cloud
    SystemFlag.objects.create(
        name=f"breaker:{cloud.pk}",
        value={"open": True},
        reason=f"{cloud}: 3 answers in 10 minutes did not say",
        set_by=ENGINE.name,
        set_at=now(),
    )
    return cloud


def blamed(project: Project, person: User, **changes: Any) -> Job:
    """A job whose call had no clear answer a minute ago."""
    job = a_job(an_order(project, person), a_server(project), JobState.UNCERTAIN)
    values = {"verdict": Verdict.UNKNOWN, "phase": "sent", "intent_at": now() - timedelta(minutes=1)}
    Attempt.objects.create(job=job, number=1, body_sha256="", **(values | changes))
    return job


def test_a_quiet_system_says_so(call: Caller):
    EngineTick.objects.create(pk=1, at=now())
    told = call.get("system/").json()
    assert told == {
        "freeze": None,
        "read_only": None,
        "breakers": [],
        "warnings": [],
        "engine": {
            "ticked_at": told["engine"]["ticked_at"],
            "oldest_due_s": 0,
            "oldest_event_s": 0,
            "held_jobs": 0,
        },
        "problems": [],
    }
    assert told["engine"]["ticked_at"]


def test_what_is_late_has_its_age(call: Caller, shop: Project, bob: User):
    job = a_job(an_order(shop, bob), a_server(shop), next_at=now() - timedelta(seconds=200))
    job.events.create(
        id="0" * 32,
        seq=1,
        kind="job",
        created_at=now(),
        next_at=now() - timedelta(seconds=90),
        lease_until=now(),
    )
    told = call.get("system/").json()
    assert 200 <= told["engine"]["oldest_due_s"] < 260
    assert 90 <= told["engine"]["oldest_event_s"] < 150
    assert any("no worker took it" in sentence for sentence in told["problems"])


def test_a_superuser_stops_all_new_reinstalls_and_lets_them_go_on(root: Caller, shop: Project, bob: User):
    waiting = a_job(an_order(shop, bob), a_server(shop), waiting_for="Held: by a test", next_at=None)
    told = root.post("system/freeze/", {"on": True, "reason": REASON}).json()
    assert (told["freeze"]["reason"], told["freeze"]["set_by"]) == (REASON, "root")
    assert told["engine"]["held_jobs"] == 1
    assert root.post("system/freeze/", {"on": False, "reason": "over"}).json()["freeze"] is None
    waiting.refresh_from_db()
    assert waiting.next_at is not None, "a held job is due at once"
    acts = AuditEvent.objects.filter(object_type="system").order_by("id")
    assert [(act.action, act.actor_name, act.source, act.note) for act in acts] == [
        ("system.freeze_set", "root", "token", REASON),
        ("system.freeze_lifted", "root", "token", "over"),
    ]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"on": True}, {"reason"}),
        ({"on": True, "reason": " "}, {"reason"}),
        ({"on": "yes", "reason": REASON}, {"on"}),
        ({"reason": REASON}, {"on"}),
        ({"on": True, "reason": REASON, "until": "noon"}, {"until"}),
    ],
)
def test_a_wrong_body_is_named_and_stops_nothing(root: Caller, body: dict[str, Any], fields: set[str]):
    assert fields_of(root.post("system/freeze/", body)) == fields
    assert active_guards() == () and not AuditEvent.objects.filter(object_type="system").exists()


def rulers(shop: Project) -> dict[str, Caller]:
    """Who may not rule over every project, though each may do something."""
    root = User.objects.get(username="root")
    return {
        "a project's admin": Caller(a_token(a_person("eve", shop, role="admin"))),
        "staff": Caller(a_token(a_person("carol", shop, is_staff=True))),
        "a token to read": Caller(a_token(root, "read")),
        "a token of one project": Caller(a_token(root, projects=(shop,))),
    }


def test_nobody_else_stops_or_releases_anything(root: Caller, shop: Project):
    cloud = opened(shop)
    before = list(SystemFlag.objects.values())
    for who, caller in rulers(shop).items():
        for path, body in (
            ("system/freeze/", {"on": True, "reason": REASON}),
            ("system/freeze/", {"on": False, "reason": REASON}),
            (f"system/breakers/{cloud.pk}/close/", {"reason": REASON}),
        ):
            assert problem_of(caller.post(path, body), 403)["detail"], who
    assert list(SystemFlag.objects.values()) == before
    assert not AuditEvent.objects.filter(object_type="system").exists()


def test_an_open_breaker_names_the_jobs_to_look_at_first(root: Caller, shop: Project, bob: User):
    unclear, error = blamed(shop, bob), blamed(shop, bob, status=503)
    found_out = blamed(shop, bob, verdict=Verdict.ACCEPTED)
    blamed(shop, bob, phase="")
    blamed(shop, bob, verdict=Verdict.THROTTLED, status=429)
    blamed(shop, bob, intent_at=now() - timedelta(minutes=11))
    cloud = opened(shop)
    [breaker] = root.get("system/").json()["breakers"]
    assert (breaker["cloud"], breaker["name"]) == (cloud.pk, "otc eu-de")
    assert {job["id"] for job in breaker["jobs"]} == {unclear.pk, error.pk, found_out.pk}
    assert {job["server"] for job in breaker["jobs"]} >= {unclear.server_name}


def test_a_breaker_names_no_job_of_a_project_one_is_not_in(call: Caller, shop: Project):
    other = a_project("other")
    blamed(other, a_person("eve", other))
    opened(shop)
    [breaker] = call.get("system/").json()["breakers"]
    assert breaker["jobs"] == []


def test_closing_a_breaker_lets_the_jobs_go_on_once(root: Caller, shop: Project, bob: User):
    cloud = opened(shop)
    waiting = a_job(an_order(shop, bob), a_server(shop), waiting_for="Held: by a test", next_at=None)
    path = f"system/breakers/{cloud.pk}/close/"
    assert fields_of(root.post(path, {"reason": ""})) == {"reason"}
    for _ in range(2):
        assert root.post(path, {"reason": "looked at all"}).json()["breakers"] == []
    waiting.refresh_from_db()
    assert waiting.next_at is not None
    [act] = AuditEvent.objects.filter(object_type="system")
    assert (act.action, act.note, act.object_id) == (
        "system.breaker_closed",
        "looked at all",
        f"breaker:{cloud.pk}",
    )


def test_a_breaker_that_never_opened_stays_unmentioned(root: Caller, shop: Project):
    assert root.post(f"system/breakers/{shop.cloud_id}/close/", {"reason": "so"}).status_code == 200
    assert not SystemFlag.objects.exists() and not AuditEvent.objects.filter(object_type="system").exists()


@pytest.mark.parametrize("cloud", [0, 10**6, 10**30])
def test_there_is_no_breaker_without_its_cloud(root: Caller, cloud: int):
    problem_of(root.post(f"system/breakers/{cloud}/close/", {"reason": "so"}), 404)


def test_the_system_with_many_jobs_behind_its_breakers(call: Caller, shop: Project, bob: User):
    blamed(shop, bob)
    opened(shop)

    def more() -> None:
        for number in range(49):
            blamed(shop, bob)
            cloud = Cloud.objects.create(profile="otc", region=f"r{number}", endpoints={}, created_at=now())
            opened(a_project(f"p-{number}", cloud=cloud))

    query_ledger.holds("GET /api/v1/system/", lambda: call.get("system/"), more)
