"""Two clicks, two people, two programs at the same moment: one job, one call, a clear word to the others."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.models import Job, Membership, Order, Server
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.api.test_orders import KEY, body_for
from tests.reinstall.conftest import Clock, finished, free_servers
from tests.reinstall.services.together import together
from tests.reinstall.web.conftest import filled_in, form_address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db")]


@pytest.fixture
def only_one(simulator: RunningSimulator, clock: Clock) -> Callable[[], Job]:
    """Looks that there is one job, runs it to its end and looks that the cloud was called once."""

    def one() -> Job:
        job = finished(Job.objects.get(), clock, simulator)
        assert job.state == "succeeded"
        assert len(simulator.accepted()) == 1
        return job

    return one


def admin(name: str, server: Server) -> Client:
    """Another admin of the project, signed in."""
    person = User.objects.create_user(name)
    Membership.objects.create(user=person, project=server.project, role=Membership.Role.ADMIN)
    client = Client()
    client.force_login(person)
    return client


def test_f62_both_halves_of_a_double_click_lead_to_one_job(
    browser: Client, server: Server, only_one: Callable[[], Job]
) -> None:
    data = filled_in(browser, server)
    answers: list[Any] = together([lambda: browser.post(form_address(server), data)] * 4)
    job = only_one()
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(303, f"/jobs/{job.pk}/")] * 4


def test_f64_of_two_admins_at_once_one_wins_and_the_other_is_told_by_which_job(
    server: Server, simulator: RunningSimulator, only_one: Callable[[], Job]
) -> None:
    admins = [admin("carol", server), admin("dave", server)]
    forms = [(client, filled_in(client, server)) for client in admins]
    asked = [
        lambda client=client, data=data: client.post(form_address(server), data) for client, data in forms
    ]
    answers: list[Any] = together(asked)
    job = only_one()
    lost, won = sorted(answers, key=lambda answer: answer.status_code)
    assert (lost.status_code, won.status_code, won["Location"]) == (200, 303, f"/jobs/{job.pk}/")
    page = lost.content.decode()
    assert f"{server.name} is held by job #{job.pk} of {job.order.requested_by_name}" in page
    assert "Yours was not sent." in page
    assert f'href="/jobs/{job.pk}/"' in page
    loser = {"carol", "dave"} - {job.order.requested_by_name}
    assert not Order.objects.filter(requested_by_name__in=loser).exists()


def test_f63_of_many_with_one_key_at_once_one_places_the_order(
    requester: User, server: Server, only_one: Callable[[], Job]
) -> None:
    secret, body = a_token(requester), body_for(server)
    answers: list[Any] = together([lambda: Caller(secret).post("orders/", body, **KEY)] * 4)
    job = only_one()
    placed = [answer for answer in answers if answer.status_code == 201]
    assert {answer.json()["jobs"][0]["id"] for answer in placed} == {job.pk}
    assert len([answer for answer in placed if "Idempotent-Replayed" not in answer]) == 1
    for answer in answers:
        if answer not in placed:
            assert problem_of(answer, 409)["type"].endswith(":in-progress")
            assert answer["Retry-After"] == "2"
    again = Caller(secret).post("orders/", body, **KEY)
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")


def test_f63_the_same_key_of_another_person_is_independent(
    requester: User, server: Server, simulator: RunningSimulator
) -> None:
    dave = User.objects.create_user("dave")
    Membership.objects.create(user=dave, project=server.project, role=Membership.Role.REQUESTER)
    other = free_servers(server.project)[1]
    asked = [
        lambda person=person, wanted=wanted: Caller(a_token(person)).post("orders/", body_for(wanted), **KEY)
        for person, wanted in ((requester, server), (dave, other))
    ]
    answers: list[Any] = together(asked)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert all("Idempotent-Replayed" not in answer for answer in answers)
    assert set(Job.objects.values_list("server", "order__requested_by_name")) == {
        (server.pk, "alice"),
        (other.pk, "dave"),
    }
