"""The list of jobs, the page of one, calling one off, the raw exchange."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Job, Membership, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, free_servers, placed_job

pytestmark = pytest.mark.django_db

SECRET = b"#cloud-config\npassword: hunter2\n"


@pytest.fixture
def job(actor: Actor, server: Server) -> Job:
    """Just placed."""
    return placed_job(actor, server, user_data=SECRET)


@pytest.fixture
def done(job: Job, clock: Clock, simulator: RunningSimulator) -> Job:
    """Run to its end."""
    advanced(job, clock)
    finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    return job


def test_a_waiting_job_says_so_and_is_followed_live(browser: Client, job: Job) -> None:
    html = browser.get(f"/jobs/{job.pk}/").content.decode()
    assert f"<title>Queued · Reinstall {job.server_name} · #{job.pk} · ecsportal</title>" in html
    assert f'data-live="/jobs/{job.pk}/events"' in html
    assert f'data-live-poll="/jobs/{job.pk}/fragment/"' in html
    assert "Cancel this reinstall" in html


def test_a_running_job_cannot_be_cancelled_and_names_its_cloud_job(
    browser: Client, job: Job, clock: Clock
) -> None:
    advanced(job, clock)
    html = browser.get(f"/jobs/{job.pk}/").content.decode()
    assert job.state == JobState.RUNNING
    assert f'data-copy="{job.cloud_job_id}"' in html
    assert "Cancel this reinstall" not in html
    assert "This step cannot be cancelled." in html
    assert "No estimate yet, 0 similar runs so far." in html


def test_a_finished_job_stands_still(browser: Client, done: Job) -> None:
    html = browser.get(f"/jobs/{done.pk}/").content.decode()
    assert "data-live=" not in html
    assert f"{done.server_name} has a new system disk." in html
    assert "replaced:" in html
    assert (
        html.count("same ID as before") == done.server.disks.filter(boot_index=None).count()
        or "same ID" in html
    )
    assert "img/favicon-ok.svg" in html.split("data-idle")[0]


def test_the_script_is_nowhere_on_the_page_nor_in_the_file(browser: Client, done: Job) -> None:
    page = browser.get(f"/jobs/{done.pk}/").content.decode()
    file = browser.get(f"/jobs/{done.pk}/exchange.json")
    for text in (page, file.content.decode()):
        assert "hunter2" not in text
        assert "I2Nsb3VkLWNvbmZpZ" not in text, "not in base64 either"
    assert "hidden: 32 B" in page
    assert f'filename="job-{done.pk}-exchange.json"' in file["Content-Disposition"]


def test_the_file_holds_every_call_and_the_destructive_one_once(browser: Client, done: Job) -> None:
    calls = browser.get(f"/jobs/{done.pk}/exchange.json").json()["exchange"]
    sent = [call for call in calls if call["path"].endswith("/reinstallos")]
    assert [(call["method"], call["status"], call["times"]) for call in sent] == [("POST", 200, 1)]


def test_calling_off_works_until_something_was_sent(
    browser: Client, job: Job, clock: Clock, simulator: RunningSimulator
) -> None:
    browser.post(f"/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert simulator.accepted() == []
    assert b"Cancelled before anything was sent" in browser.get(f"/jobs/{job.pk}/").content


def test_too_late_is_a_sentence_not_an_error(browser: Client, job: Job, clock: Clock) -> None:
    advanced(job, clock)
    html = browser.post(f"/jobs/{job.pk}/cancel/", follow=True).content.decode()
    assert f"Job #{job.pk} is running" in html
    job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_a_viewer_watches_but_cannot_cancel(
    stranger: Client, project: Project, server: Server, rf: Any
) -> None:
    boss = User.objects.create_user("boss", password="correct horse battery")
    Membership.objects.create(user=boss, project=project, role=Membership.Role.REQUESTER)
    Membership.objects.create(
        user=User.objects.get(username="alice"), project=project, role=Membership.Role.VIEWER
    )
    from tests.reinstall.conftest import actor_for

    job = placed_job(actor_for(boss), server)
    assert b"Cancel this reinstall" not in stranger.get(f"/jobs/{job.pk}/").content
    assert stranger.post(f"/jobs/{job.pk}/cancel/").status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


@pytest.mark.parametrize("address", ["", "fragment/", "events", "exchange.json"])
def test_jobs_of_others_do_not_exist(address: str, job: Job) -> None:
    other = Client()
    other.force_login(User.objects.create_user("eve", password="correct horse battery"))
    answer = other.get(f"/jobs/{job.pk}/{address}")
    assert answer.status_code == 404
    assert f"There is no job #{job.pk}." in answer.content.decode()
    assert job.server_name not in answer.content.decode()


def test_an_update_is_the_page_in_parts(browser: Client, job: Job, clock: Clock) -> None:
    advanced(job, clock)
    update = json.loads(browser.get(f"/jobs/{job.pk}/fragment/").content)
    assert (update["tone"], update["done"]) == ("run", False)
    assert update["title"].startswith("Running · Reinstall")
    page = browser.get(f"/jobs/{job.pk}/").content.decode()
    for element in update["html"]:
        assert f'id="{element}"' in page, "an update for an element the page does not have"
    assert "csrfmiddlewaretoken" not in json.dumps(update), "updates are shared by everybody who watches"
    assert update["html"]["job-cancel"] == '<div id="job-cancel"></div>'


def test_the_last_update_says_that_it_is_the_last(browser: Client, done: Job) -> None:
    update = json.loads(browser.get(f"/jobs/{done.pk}/fragment/").content)
    assert (update["tone"], update["done"]) == ("ok", True)


def test_a_name_from_the_cloud_cannot_become_markup_in_an_update(browser: Client, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(server_name="</title><script>alert(1)</script>", seq=99)
    update = json.loads(browser.get(f"/jobs/{job.pk}/fragment/").content)
    assert "<script>" not in "".join(update["html"].values())
    assert "<script>" in update["title"], "a title is set as text"
    assert b"<script>alert" not in browser.get(f"/jobs/{job.pk}/").content


def test_the_list_has_tabs_and_says_what_belongs_where_when_empty(browser: Client, job: Job) -> None:
    assert job.server_name in browser.get("/jobs/").content.decode()
    assert job.server_name in browser.get("/jobs/", {"tab": "running"}).content.decode()
    assert b"Nothing needs a look" in browser.get("/jobs/", {"tab": "attention"}).content
    assert b"No jobs match" in browser.get("/jobs/", {"q": "no-such"}).content
    assert browser.get("/jobs/", {"tab": "nonsense"}).status_code == 400


def test_as_many_queries_for_many_jobs_as_for_one(
    browser: Client,
    actor: Actor,
    project: Project,
    django_assert_num_queries: Any,
    django_assert_max_num_queries: Any,
) -> None:
    placed_job(actor, free_servers(project)[0])
    with django_assert_max_num_queries(12) as one:
        browser.get("/jobs/")
    for server in free_servers(project)[1:6]:
        placed_job(actor, server)
    with django_assert_num_queries(len(one.captured_queries)):
        browser.get("/jobs/")


def test_while_the_outcome_is_unclear_no_bar_says_that_the_cloud_is_at_work(
    browser: Client, job: Job, clock: Clock, simulator: RunningSimulator
) -> None:
    simulator.faults([{"match": {"method": "POST", "path": "*/reinstallos"}, "do": "drop_before_read"}])
    advanced(job, clock)
    assert job.state == JobState.UNCERTAIN
    html = browser.get(f"/jobs/{job.pk}/").content.decode()
    assert "so far" not in html.split('id="job-progress"')[1].split("</section>")[0]
    assert "not known whether it was replaced" in html
    assert "to be replaced" not in html
    assert "The reinstall goes on without this page." not in html


def test_a_cancelled_job_shows_no_wiped_disk(browser: Client, job: Job) -> None:
    assert 'class="disk wipe"' in browser.get(f"/jobs/{job.pk}/").content.decode()
    browser.post(f"/jobs/{job.pk}/cancel/")
    assert 'class="disk wipe"' not in browser.get(f"/jobs/{job.pk}/").content.decode()
