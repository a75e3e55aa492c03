"""How many bytes a list of fifty is before compression: names as long as they come, every row with a past."""

import pytest
from django.test import Client

from reinstall.domain.states import JobState
from tests.reinstall.rows import T0, a_job, a_person, a_project, a_server, an_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of_fifty() -> Client:
    """Somebody in two projects with fifty servers, all reinstalled before."""
    shop, other = a_project("shop-prod"), a_project("shop-staging")
    person = a_person("alice.weber", shop, other)
    for number in range(50):
        server = a_server(shop, f"web-prod-{number:02}", image_name="shop-debian-12-2026-03")
        order = an_order(shop, person, reason="OPS-4417 new base image")
        a_job(order, server, JobState.SUCCEEDED, created_at=T0, accepted_at=T0)
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.parametrize(
    ("address", "most"),
    # A chosen project has a box to tick in each row.
    [("/servers/", 56_800), ("/servers/?project=shop-prod", 67_400), ("/jobs/?project=shop-prod", 40_300)],
)
def test_a_list_of_fifty_is_small(client_of_fifty: Client, address: str, most: int) -> None:
    answer = client_of_fifty.get(address)
    html = answer.content
    assert html.count(b"<tr>") == 51
    assert len(html) <= most
