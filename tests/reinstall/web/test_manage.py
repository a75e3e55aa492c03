"""The health page: what holds reinstalls is said everywhere, and superusers stop and release them there."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from reinstall.domain.actors import ENGINE, Actor
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Cloud, EngineTick, Project, Server, SystemFlag
from reinstall.selectors.guards import active_guards
from reinstall.services import guards
from simulator.server import RunningSimulator
from tests import query_ledger
from tests.faults.test_guards import servers_of
from tests.reinstall.conftest import OPERATOR, Clock, advanced, finished, placed_job
from tests.reinstall.rows import a_person, a_project

pytestmark = pytest.mark.django_db

HEALTH = "/manage/health/"
REASON = "disk array of rack 4 <b>fails</b>"


@pytest.fixture
def root() -> Client:
    """A superuser at a browser."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def html_of(client: Client, address: str = HEALTH) -> str:
    return client.get(address).content.decode()


def opened(cloud: Cloud) -> str:
    """Opens the breaker of `cloud`; the address that closes it."""
    SystemFlag.objects.create(
        name=guards.breaker_name(cloud.pk),
        value={"open": True},
        reason=f"{cloud}: 3 answers in 10 minutes did not say",
        set_by=ENGINE.name,
        set_at=now(),
    )
    return f"{HEALTH}breakers/{cloud.pk}/close/"


def test_a_quiet_portal_says_so(root: Client) -> None:
    EngineTick.objects.create(pk=1, at=now())
    html = html_of(root)
    assert "Allowed" in html
    assert "Stop all new reinstalls" in html
    assert "All closed." in html
    assert "Ready" in html
    assert 'class="note guard' not in html


def test_what_is_wrong_with_the_engine_is_said(root: Client) -> None:
    EngineTick.objects.create(pk=1, at=now() - timedelta(hours=2))
    html = html_of(root)
    assert "Not ready" in html
    assert "The engine has not looked for due jobs for 120 s." in html


def test_stopping_holds_every_job_until_somebody_lets_them_go_on(
    root: Client, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answer = root.post(f"{HEALTH}freeze/", {"on": "1", "reason": REASON})
    assert (answer.status_code, answer["Location"]) == (303, HEALTH)
    job = advanced(placed_job(actor, server), clock, times=3)
    assert job.state == JobState.QUEUED
    assert simulator.accepted() == []
    html = html_of(root)
    assert "<b>1 job waits.</b>" in html
    assert "Let reinstalls go on" in html
    assert "Stop all new reinstalls" not in html
    root.post(f"{HEALTH}freeze/", {"on": "0", "reason": "rack 4 is well"})
    assert finished(job, clock, simulator).state == JobState.SUCCEEDED
    told = AuditEvent.objects.filter(object_type="system").order_by("id")
    assert [(entry.action, entry.actor_name, entry.source, entry.note) for entry in told] == [
        ("system.freeze_set", "root", "browser", REASON),
        ("system.freeze_lifted", "root", "browser", "rack 4 is well"),
    ]


@pytest.mark.parametrize("address", ["/servers/", "/jobs/", "/key-pairs/", "/audit/", "/settings/tokens/"])
def test_every_page_says_that_reinstalls_are_stopped_by_whom_and_why(address: str, browser: Client) -> None:
    assert 'class="note guard' not in html_of(browser, address)
    guards.freeze(actor=OPERATOR, now=now(), reason=REASON)
    html = html_of(browser, address)
    assert "New reinstalls are stopped for everybody by tests since" in html
    assert "“disk array of rack 4 &lt;b&gt;fails&lt;/b&gt;”." in html
    assert "Running ones go on." in html
    assert f'href="{HEALTH}"' not in html, "no way to a page that would be refused"


def test_the_form_says_so_too_and_a_breaker_as_well(browser: Client, server: Server) -> None:
    opened(server.project.cloud)
    html = html_of(browser, f"/servers/{server.pk}/reinstall/")
    assert "New reinstalls are stopped in one cloud." in html
    assert "did not say" in html


@pytest.mark.parametrize(("on", "frozen"), [("1", False), ("0", True)])
def test_without_a_reason_nothing_changes(on: str, frozen: bool, root: Client) -> None:
    if frozen:
        guards.freeze(actor=OPERATOR, now=now(), reason=REASON)
    before = AuditEvent.objects.count()
    answer = root.post(f"{HEALTH}freeze/", {"on": on, "reason": " "})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<title>Error: " in html
    assert html.count("Say why.") == 2, "in the summary and beside the field"
    assert 'href="#id_freeze_reason"' in html
    assert 'id="id_freeze_reason-error"' in html
    assert ("Shown to everybody on every page." in html) is not frozen, "who will read it"
    assert bool(active_guards()) is frozen
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("on", ["", "yes", "2"])
def test_what_is_neither_on_nor_off_changes_nothing(on: str, root: Client) -> None:
    guards.freeze(actor=OPERATOR, now=now(), reason=REASON)
    html = root.post(f"{HEALTH}freeze/", {"on": on, "reason": "so"}).content.decode()
    assert "Stop them, or let them go on." in html
    assert active_guards()


def test_who_looked_at_an_older_freeze_does_not_lift_a_newer_one(root: Client) -> None:
    guards.freeze(actor=OPERATOR, now=now() - timedelta(hours=1), reason="yesterday's")
    found = re.search(r'name="seen" value="([^"]+)"', html_of(root))
    assert found
    guards.freeze(actor=OPERATOR, now=now(), reason=REASON)
    form = {"on": "0", "reason": "over", "seen": found.group(1)}
    html = root.post(f"{HEALTH}freeze/", form).content.decode()
    assert "tests has stopped them anew: “disk array of rack 4" in html
    assert active_guards()
    form["seen"] = re.search(r'name="seen" value="([^"]+)"', html).group(1)  # type: ignore[union-attr]
    assert root.post(f"{HEALTH}freeze/", form).status_code == 303
    assert active_guards() == ()


def test_a_person_looks_at_the_jobs_and_closes_the_breaker(
    root: Client, actor: Actor, project: Project, simulator: RunningSimulator, clock: Clock
) -> None:
    match = {"method": "POST", "path": "*/reinstallos"}
    simulator.faults([{"match": match, "times": 3, "do": "answer", "status": 502, "body": ""}])
    jobs = [advanced(placed_job(actor, server), clock) for server in servers_of(project, 4)]
    assert [job.state for job in jobs] == ["uncertain", "uncertain", "uncertain", "queued"]
    html = html_of(root)
    assert "Breaker of huawei sim-1" in html
    assert [f'href="/jobs/{job.pk}/">#' in html for job in jobs] == [True, True, True, False]
    close = f"{HEALTH}breakers/{project.cloud_id}/close/"
    assert root.post(close, {"reason": ""}).content.decode().count("Say why.") == 2
    assert root.post(close, {"reason": "all three run"}).status_code == 303
    assert finished(jobs[3], clock, simulator).state == JobState.SUCCEEDED
    assert active_guards() == ()
    assert AuditEvent.objects.get(action="system.breaker_closed").actor_name == "root"


def test_two_open_breakers_have_forms_of_their_own(root: Client, project: Project) -> None:
    other = Cloud.objects.create(profile="otc", region="eu-nl", endpoints={}, created_at=now())
    wrong = opened(other)
    opened(project.cloud)
    html = root.post(wrong, {"reason": ""}).content.decode()
    assert html.count("id_breaker-") > 0
    assert f'id="id_breaker-{other.pk}_reason-error"' in html
    assert f'id="id_breaker-{project.cloud_id}_reason-error"' not in html
    assert len(active_guards()) == 2


def test_the_page_takes_as_many_queries_for_one_breaker_as_for_fifty(root: Client, project: Project) -> None:
    opened(project.cloud)

    def more() -> None:
        for number in range(49):
            opened(Cloud.objects.create(profile="otc", region=f"r{number}", endpoints={}, created_at=now()))

    query_ledger.holds("GET /manage/health/", lambda: html_of(root), more)


def test_staff_read_the_page_and_everybody_else_is_told_why_not(project: Project) -> None:
    shop = a_project("shop")
    for name, changes, status in (("eve", {}, 403), ("carol", {"is_staff": True}, 200)):
        client = Client()
        client.force_login(a_person(name, shop, role="admin", **changes))
        answer = client.get(HEALTH)
        assert answer.status_code == status
        assert b"Stop all new reinstalls" not in answer.content
        for address in (f"{HEALTH}freeze/", opened(project.cloud)):
            refused = client.post(address, {"on": "1", "reason": REASON})
            assert refused.status_code == 403
            assert b"only a superuser" in refused.content
        assert [guard.kind for guard in active_guards()] == ["breaker"]
        SystemFlag.objects.all().delete()
    assert not AuditEvent.objects.filter(object_type="system").exists()
