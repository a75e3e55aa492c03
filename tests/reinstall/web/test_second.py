"""The second person on screen: what waits, who may answer, what the page says meanwhile."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Job, Membership, Project, Proposal, Server
from reinstall.services.settle import settle_job
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, placed_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def requester(operator: User) -> User:
    """Of these tests: alice may settle as well."""
    return operator


WHY, TOO = "OTC console, 14:20: up since May, same disk", "Seen it too, 14:40"


@pytest.fixture
def job(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    """Unclear, in a production project; alice may settle it."""
    match = {"method": "POST", "path": "*/reinstallos"}
    simulator.faults([{"match": match, "times": 1, "do": "drop_before_read"}])
    placed = advanced(placed_job(actor, server), clock)
    assert placed.state == JobState.UNCERTAIN
    Project.objects.filter(pk=placed.project_id).update(environment="production")
    return placed


@pytest.fixture
def proposal(job: Job, actor: Actor, clock: Clock) -> Proposal:
    """What alice said."""
    settle_job(actor=actor, now=clock(), job_id=job.pk, answer="never_ran", reason=WHY)
    return Proposal.objects.get(job=job)


def client_of(project: Project, name: str = "bob", role: str = "operator") -> Client:
    person = User.objects.create_user(name)
    Membership.objects.create(user=person, project=project, role=role)
    client = Client()
    client.force_login(person)
    return client


def page_of(client: Client, job: Job) -> str:
    return client.get(f"/jobs/{job.pk}/").content.decode()


def answer(client: Client, proposal: Proposal, **fields: str) -> Any:
    values = {"proposal_id": str(proposal.pk)} | fields
    return client.post(f"/jobs/{proposal.job_id}/proposal/", values)


def test_before_it_the_form_says_what_will_be_needed(browser: Client, job: Job) -> None:
    html = page_of(browser, job)
    assert "Another person has to confirm it. Then this job closes" in html
    assert "Nobody else can confirm that it never started" in html
    client_of(job.project)
    assert "Nobody else can confirm" not in page_of(browser, job)
    Project.objects.filter(pk=job.project_id).update(environment="staging")
    assert "Another person has to confirm it" not in page_of(browser, job)


def test_the_page_says_who_proposed_when_and_why(browser: Client, job: Job) -> None:
    posted = browser.post(f"/jobs/{job.pk}/settle/", {"answer": "never_ran", "reason": WHY})
    assert posted.status_code == 303
    html = page_of(browser, job)
    assert "alice says that it never started. Another person has to confirm that." in html
    assert WHY in html and f"Until then {job.server_name} stays locked." in html
    assert "Nobody else has the right to confirm it" in html
    assert "You cannot confirm it yourself." in html and 'value="confirm"' not in html
    assert 'name="answer" value="never_ran"' not in html and 'name="answer" value="ran_job"' in html
    job.refresh_from_db()
    assert job.state == JobState.UNCERTAIN


def test_another_person_confirms(job: Job, proposal: Proposal) -> None:
    bob = client_of(job.project)
    html = page_of(bob, job)
    assert 'value="confirm"' in html and 'value="withdraw"' not in html
    said = answer(bob, proposal, decision="confirm", reason=TOO)
    assert (said.status_code, said["Location"]) == (303, f"/jobs/{job.pk}/")
    job.refresh_from_db()
    assert job.state == JobState.NOT_APPLIED
    html = page_of(bob, job)
    assert "second-form" not in html and TOO in html and WHY in html
    assert (
        "is not in doubt any more"
        in bob.get(answer(bob, proposal, decision="confirm", reason=TOO)["Location"]).content.decode()
    )


@pytest.mark.parametrize(
    ("fields", "target", "sentence"),
    [
        ({"reason": TOO}, "second_decision", "Choose what you found."),
        ({"decision": "confirm", "reason": " "}, "second_reason", "Say how you know"),
        ({"decision": "reject"}, "second_reason", "Say how you know"),
        ({"decision": "confirm", "reason": "x" * 501}, "second_reason", "at most 500"),
        ({"decision": "confirm", "reason": TOO, "proposal_id": "0"}, "second-form", "not open any more"),
    ],
)
def test_what_is_wrong_is_on_the_form(
    fields: dict[str, str], target: str, sentence: str, job: Job, proposal: Proposal
) -> None:
    html = answer(client_of(job.project), proposal, **fields).content.decode()
    summary = html.partition('id="error-summary"')[2].partition("</section>")[0]
    assert sentence in summary and f'href="#{target}"' in summary and f'id="{target}"' in html
    assert html.count("<title>Error: ") == 1
    job.refresh_from_db()
    assert job.state == JobState.UNCERTAIN


def test_the_proposer_withdraws(browser: Client, job: Job, proposal: Proposal) -> None:
    assert answer(browser, proposal, decision="confirm", reason=TOO).status_code == 403
    assert answer(browser, proposal, decision="withdraw").status_code == 303
    html = page_of(browser, job)
    assert "job-second" in html and "second-form" not in html
    assert 'name="answer" value="never_ran"' in html


def test_a_viewer_reads_it_and_answers_nothing(job: Job, proposal: Proposal) -> None:
    eve = client_of(job.project, "eve", "viewer")
    html = page_of(eve, job)
    assert "alice says that it never started" in html and "second-form" not in html
    assert "Confirming it needs the role operator" in html
    assert answer(eve, proposal, decision="confirm", reason=TOO).status_code == 403


def test_an_open_page_hears_of_it_and_fetches_its_own_form(job: Job, proposal: Proposal) -> None:
    bob = client_of(job.project)
    update = json.loads(bob.get(f"/jobs/{job.pk}/fragment/").content)
    assert "alice says that it never started" in update["html"]["job-proposed"]
    assert update["forms"] == ["job-settle", "job-second"] and "job-second" not in update["html"]
    assert "csrfmiddlewaretoken" not in json.dumps(update)
    answer(bob, proposal, decision="reject", reason=TOO)
    update = json.loads(bob.get(f"/jobs/{job.pk}/fragment/").content)
    assert update["html"]["job-second"] == '<div id="job-second"></div>'
    assert "alice says" not in update["html"]["job-proposed"] and update["forms"] == ["job-settle"]
