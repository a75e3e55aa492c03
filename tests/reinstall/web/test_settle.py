"""An unclear job on screen, and a person's word about it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Attempt, AuditEvent, Exchange, Job, Membership, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, actor_for, advanced, finished, placed_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]


@pytest.fixture
def requester(operator: User) -> User:
    """Of these tests: alice may settle as well."""
    return operator


REINSTALL = {"method": "POST", "path": "*/reinstallos"}
SECRET = b"#cloud-config\npassword: hunter2\n"
WHY = "OTC console, 14:20: up since May, same disk"


@pytest.fixture
def job(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    """Sent, and never heard of again: uncertain."""
    simulator.faults([{"match": REINSTALL, "times": 1, "do": "drop_before_read"}])
    placed = placed_job(actor, server, user_data=SECRET)
    advanced(placed, clock)
    assert placed.state == JobState.UNCERTAIN
    return placed


@pytest.fixture
def stuck(job: Job, clock: Clock, simulator: RunningSimulator) -> Job:
    """The same after every look it makes by itself: it waits for a person."""
    finished(job, clock, simulator)
    assert job.state == JobState.ATTENTION
    return job


def page_of(browser: Client, job: Job) -> str:
    return browser.get(f"/jobs/{job.pk}/").content.decode()


def settle(browser: Client, job: Job, **fields: str) -> Any:
    return browser.post(f"/jobs/{job.pk}/settle/", fields)


def test_an_uncertain_job_says_what_happened_and_what_it_means(browser: Client, job: Job) -> None:
    html = page_of(browser, job)
    assert "<b>The request went out, but no answer came back.</b>" in html
    assert f"The cloud may be reinstalling {job.server_name} right now, or it may never have seen" in html
    assert "does not send it again by itself" in html
    assert "Server is locked here" in html
    assert "Signs so far" in html and "Next look at" in html
    assert "What was sent, once" in html
    assert '<section id="job-progress" hidden>' in html


def test_all_signs_stand_there_with_their_grade_in_words(browser: Client, stuck: Job) -> None:
    html = page_of(browser, stuck)
    rows = list(stuck.evidence.all())
    assert len(rows) > 1
    for row in rows:
        assert row.summary.replace("'", "&#x27;") in html
    (verdict,) = [row for row in rows if row.kind == "verdict" and row.grade in ("E4", "E4'")]
    assert "it never started" in html and f"Grade {verdict.grade.replace(chr(39), '&#x27;')}" in html
    assert "It does not look by itself any more." in html
    assert "the signs point here" in html


def test_the_server_is_compared_field_by_field(browser: Client, stuck: Job) -> None:
    html = page_of(browser, stuck).partition('id="job-compared"')[2].partition("</section>")[0]
    disk = next(disk for disk in stuck.baseline["disks"] if disk["boot_index"] == 0)
    assert html.count(disk["volume_id"]) == 2
    for label in ("System disk", "Status", "Key pair", "Addresses", "Data disks"):
        assert f"<b>{label}</b>" in html
    assert ">same<" in html


def test_what_was_sent_is_shown_masked(browser: Client, stuck: Job) -> None:
    html = page_of(browser, stuck)
    part = html.partition('id="job-sent"')[2].partition("</section>")[0]
    assert "hidden: 32 B" in part and "no answer" in part
    assert f"/cloudservers/{stuck.server_id}/reinstallos" in part
    assert stuck.attempts.get().body_sha256 in part
    assert "hunter2" not in html and "I2Nsb3VkLWNvbmZpZw" not in html


def test_a_worker_that_died_at_the_call_leaves_the_same_page(browser: Client, job: Job) -> None:
    shown = Exchange.objects.get(job=job, method="POST").request_body
    Exchange.objects.filter(job=job, method="POST").delete()
    Attempt.objects.filter(job=job).update(phase="")
    part = page_of(browser, job).partition('id="job-sent"')[2].partition("</section>")[0]
    assert "worker stopped at it" in part
    sha256 = json.loads(shown)["os-reinstall"]["metadata"]["user_data"].partition("sha256 ")[2]
    assert f"hidden: 32 B, sha256 {sha256}" in part
    assert f"/cloudservers/{job.server_id}/reinstallos" in part


def test_never_ran_closes_the_job_and_frees_the_server(browser: Client, stuck: Job, requester: User) -> None:
    before = browser.get(f"/servers/{stuck.server_id}/").content.decode()
    assert f"Outcome unknown, held by #{stuck.pk}." in before
    answer = settle(browser, stuck, answer="never_ran", reason=WHY)
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{stuck.pk}/")
    stuck.refresh_from_db()
    assert stuck.state == JobState.NOT_APPLIED
    entry = AuditEvent.objects.get(object_id=str(stuck.pk), action="job.not_applied")
    assert (entry.actor_name, entry.note, entry.source) == ("alice", WHY, "browser")
    assert "held by" not in browser.get(f"/servers/{stuck.server_id}/").content.decode()
    html = page_of(browser, stuck)
    assert WHY in html and "job-settle" in html and "settle-form" not in html
    assert "What was sent, once" in html, "the record stays readable"


def test_ran_without_an_id_compares_the_disks(browser: Client, stuck: Job) -> None:
    assert settle(browser, stuck, answer="ran_unknown", reason=WHY).status_code == 303
    stuck.refresh_from_db()
    assert stuck.state == JobState.VERIFYING


def test_a_job_id_is_checked_with_the_cloud_before_it_is_followed(
    browser: Client, stuck: Job, simulator: RunningSimulator, project: Project
) -> None:
    other = Server.objects.filter(project=project, status="ACTIVE").exclude(pk=stuck.server_id)[0]
    foreign = simulator.console_reinstall(str(other.pk))
    html = settle(browser, stuck, answer="ran_job", cloud_job_id=foreign, reason=WHY).content.decode()
    assert "does not say yet which server" in html
    simulator.advance(60)
    html = settle(browser, stuck, answer="ran_job", cloud_job_id=foreign, reason=WHY).content.decode()
    assert "is about another server" in html
    assert f'value="{foreign}"' in html and WHY in html, "what was typed stays"
    own = simulator.console_reinstall(str(stuck.server_id))
    simulator.advance(60)
    assert settle(browser, stuck, answer="ran_job", cloud_job_id=own, reason=WHY).status_code == 303
    stuck.refresh_from_db()
    assert (stuck.state, stuck.cloud_job_id) == (JobState.RUNNING, own)


@pytest.mark.parametrize(
    ("fields", "targets", "sentence"),
    [
        ({}, {"id_answer", "id_reason"}, "Choose what you found."),
        ({"answer": "never_ran", "reason": "  "}, {"id_reason"}, "Say how you know"),
        ({"answer": "maybe", "reason": WHY}, {"id_answer"}, "Choose one of the answers shown."),
        ({"answer": "ran_job", "reason": WHY}, {"id_cloud_job_id"}, "Enter the cloud"),
        (
            {"answer": "never_ran", "reason": WHY, "cloud_job_id": "ff80808288d41e1b018990260955686a"},
            {"id_cloud_job_id"},
            "goes with the first answer only",
        ),
        ({"answer": "ran_job", "reason": WHY, "cloud_job_id": "../x"}, {"id_cloud_job_id"}, "8 to 64"),
        ({"answer": "never_ran", "reason": "x" * 501}, {"id_reason"}, "at most 500"),
    ],
)
def test_every_mistake_is_named_at_once_and_nothing_happens(
    browser: Client, stuck: Job, fields: dict[str, str], targets: set[str], sentence: str
) -> None:
    html = settle(browser, stuck, **fields).content.decode()
    summary = html.partition('id="error-summary"')[2].partition("</section>")[0]
    assert sentence in summary
    for target in ("id_answer", "id_reason", "id_cloud_job_id"):
        assert (f'href="#{target}"' in summary) is (target in targets)
        assert f'id="{target}"' in html
    assert html.count("<title>Error: ") == 1
    stuck.refresh_from_db()
    assert stuck.state == JobState.ATTENTION


def test_too_early_is_a_sentence_on_the_form(browser: Client, job: Job) -> None:
    Attempt.objects.filter(job=job).update(phase="")
    html = settle(browser, job, answer="never_ran", reason=WHY).content.decode()
    assert "might still reach the cloud until" in html
    job.refresh_from_db()
    assert job.state == JobState.UNCERTAIN


def test_an_answer_that_comes_second_is_not_used(browser: Client, stuck: Job) -> None:
    settle(browser, stuck, answer="never_ran", reason=WHY)
    html = browser.post(
        f"/jobs/{stuck.pk}/settle/", {"answer": "ran_unknown", "reason": WHY}, follow=True
    ).content.decode()
    assert "Your answer was not used." in html
    stuck.refresh_from_db()
    assert stuck.state == JobState.NOT_APPLIED


def test_a_viewer_reads_it_all_and_answers_nothing(stuck: Job, project: Project) -> None:
    viewer = User.objects.create_user("eve", password="correct horse battery")
    Membership.objects.create(user=viewer, project=project, role=Membership.Role.VIEWER)
    client = Client()
    client.force_login(viewer)
    html = page_of(client, stuck)
    assert "Signs so far" in html and "settle-form" not in html
    assert f"Settling it needs the role operator in {project.name}." in html
    assert settle(client, stuck, answer="never_ran", reason=WHY).status_code == 403
    stuck.refresh_from_db()
    assert stuck.state == JobState.ATTENTION


def test_others_find_nothing_to_settle(stuck: Job, user: User) -> None:
    client = Client()
    client.force_login(User.objects.create_user("mallory", password="correct horse battery"))
    assert settle(client, stuck, answer="never_ran", reason=WHY).status_code == 404


def test_the_address_of_the_form_leads_to_the_page(browser: Client, stuck: Job) -> None:
    assert browser.get(f"/jobs/{stuck.pk}/settle/")["Location"] == f"/jobs/{stuck.pk}/#job-settle"


def test_updates_carry_every_part_but_nobodys_form(browser: Client, stuck: Job) -> None:
    page = page_of(browser, stuck)
    update = json.loads(browser.get(f"/jobs/{stuck.pk}/fragment/").content)
    for element in update["html"]:
        assert f'id="{element}"' in page
    assert "csrfmiddlewaretoken" not in json.dumps(update)
    assert update["forms"] == ["job-settle"] and "job-settle" not in update["html"]
    settle(browser, stuck, answer="never_ran", reason=WHY)
    update = json.loads(browser.get(f"/jobs/{stuck.pk}/fragment/").content)
    assert update["html"]["job-settle"] == '<div id="job-settle"></div>' and update["forms"] == []


def test_the_list_says_why_it_needs_a_look(browser: Client, stuck: Job) -> None:
    html = browser.get("/jobs/", {"tab": "attention"}).content.decode()
    assert stuck.waiting_for and stuck.waiting_for.replace("'", "&#x27;") in html
    assert f"Held by #{stuck.pk}" in browser.get("/servers/", {"q": stuck.server_name}).content.decode()


def test_words_of_the_cloud_stay_text(browser: Client, stuck: Job) -> None:
    hostile = "</p><script>alert(1)</script>"
    stuck.evidence.update(summary=hostile)
    Attempt.objects.filter(job=stuck).update(message=hostile, code="<b>x")
    Exchange.objects.filter(job=stuck).update(response_body=hostile)
    html = page_of(browser, stuck)
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html


def test_somebody_else_can_settle_it_too(stuck: Job, project: Project) -> None:
    boss = User.objects.create_superuser("boss", password="correct horse battery")
    client = Client()
    client.force_login(boss)
    assert actor_for(boss).sees_all
    assert settle(client, stuck, answer="never_ran", reason=WHY).status_code == 303
