"""The people of a project on screen: who sees them, who changes them, what is refused beside which field."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.domain.roles import ABOUT
from reinstall.domain.signon import SignOn
from reinstall.models import AuditEvent, Membership, Project
from tests import query_ledger
from tests.reinstall.rows import a_person, a_project
from tests.reinstall.signing import signed_in

pytestmark = pytest.mark.django_db

PAGE, END = "/clouds/shop/people/", "/clouds/shop/people/end/"


@pytest.fixture
def shop() -> Project:
    return a_project("shop")


@pytest.fixture
def ada(shop: Project) -> User:
    return a_person("ada", shop, role="admin")


@pytest.fixture
def admin(ada: User) -> Client:
    return signed_in(ada)


def roles(project: Project) -> dict[str, str]:
    return dict(Membership.objects.filter(project=project).values_list("user__username", "role"))


def html_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_somebody_is_given_a_role_it_is_changed_and_taken_away(admin: Client, shop: Project) -> None:
    a_person("bob")
    assert admin.post(PAGE, {"user": " bob ", "role": "requester"})["Location"] == PAGE
    html = html_of(admin.get(PAGE))
    assert "bob is requester in shop." in html and "by ada" in html and ABOUT["requester"] in html
    assert admin.post(PAGE, {"user": "bob", "role": "approver"}).status_code == 303
    assert roles(shop) == {"ada": "admin", "bob": "approver"}
    assert admin.post(END, {"user": "bob"})["Location"] == PAGE
    assert "bob has no role here any more." in html_of(admin.get(PAGE))
    assert roles(shop) == {"ada": "admin"}
    told = AuditEvent.objects.filter(object_id="shop/bob").order_by("id")
    assert [(entry.action, entry.actor_name, entry.source) for entry in told] == [
        ("role.given", "ada", "browser"),
        ("role.given", "ada", "browser"),
        ("role.ended", "ada", "browser"),
    ]


def test_what_is_wrong_stands_beside_its_field(admin: Client, shop: Project) -> None:
    a_person("eve")
    for typed, sentences in (
        ({"user": "bob", "role": "viewer"}, ["There is no account bob. Write a user name."]),
        ({"user": "", "role": ""}, ["Write a user name.", "Choose one of viewer, requester, approver"]),
        ({"user": "eve", "role": "owner"}, ["Choose one of viewer, requester, approver"]),
        ({"user": "b\0b", "role": "viewer"}, ["There is no account b"]),
        ({"user": "<svg onload=x>", "role": "viewer"}, ["There is no account &lt;svg onload=x&gt;."]),
    ):
        html = html_of(admin.post(PAGE, typed))
        assert "Error: People of shop" in html and 'id="error-summary"' in html
        assert all(sentence in html for sentence in sentences), typed
    assert 'href="#id_user"' in html and 'aria-invalid="true"' in html
    assert roles(shop) == {"ada": "admin"}


def test_a_name_that_is_gone_meanwhile_is_told_on_top(admin: Client) -> None:
    assert "There is no account bob." in html_of(admin.post(END, {"user": "bob"}))


@pytest.mark.parametrize("role", ["viewer", "requester", "approver", "operator"])
def test_others_get_the_page_that_says_who_reads_it(role: str, shop: Project, ada: User) -> None:
    client = signed_in(a_person("eve", shop, role=role))
    assert b"/people/" not in client.get("/clouds/shop/").content
    for answer in (client.get(PAGE), client.post(PAGE, {"user": "eve", "role": "admin"})):
        assert answer.status_code == 403 and b"Rights in shop are given by ada." in answer.content
    assert b"Reading this in shop needs the role auditor." in client.get(PAGE).content
    assert client.post(END, {"user": "ada"}).status_code == 403
    assert roles(shop) == {"ada": "admin", "eve": role}


def test_nobody_else_learns_which_accounts_there_are(shop: Project, ada: User) -> None:
    client = signed_in(a_person("eve", shop, role="auditor"))
    answers = [client.post(PAGE, {"user": name, "role": "viewer"}) for name in ("ada", "nobody")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert all(b"needs the role admin" in answer.content for answer in answers)


def test_an_auditor_reads_and_changes_nothing(shop: Project, ada: User) -> None:
    client = signed_in(a_person("audrey", shop, role="auditor"))
    assert f'href="{PAGE}"' in html_of(client.get("/clouds/shop/"))
    html = html_of(client.get(PAGE))
    assert "ada" in html and ABOUT["auditor"] in html and "What each role may do" in html
    assert "Give role" not in html and "Take away" not in html
    assert client.post(END, {"user": "ada"}).status_code == 403
    assert roles(shop) == {"ada": "admin", "audrey": "auditor"}


def test_of_another_project_there_is_no_such_page(shop: Project) -> None:
    client = signed_in(a_person("mallory", a_project("other"), role="admin"))
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {"user": "mallory", "role": "admin"}).status_code == 404
    assert client.post(END, {"user": "mallory"}).status_code == 404
    assert roles(shop) == {}


@pytest.mark.parametrize(("address", "typed"), [(PAGE, {"role": "viewer"}), (END, {})])
def test_the_last_admin_stays_and_is_told_why(
    address: str, typed: dict[str, str], admin: Client, shop: Project
) -> None:
    a_person("gone", shop, role="admin", is_active=False)
    said = "You are the last admin of shop. Give somebody else the role admin first."
    assert said in html_of(admin.post(address, typed | {"user": "ada"}))
    assert roles(shop)["ada"] == "admin"
    a_person("ben", shop, role="admin")
    assert admin.post(address, typed | {"user": "ada"})["Location"] == "/clouds/"
    assert roles(shop).get("ada") == typed.get("role")


def test_a_role_without_a_second_factor_is_not_given(policy: str, shop: Project, ada: User) -> None:
    client, bob = signed_in(ada, second_factor=False), a_person("bob")
    answer = client.post(PAGE, {"user": bob.username, "role": "viewer"})
    assert answer.status_code == 403 and b"second factor" in answer.content
    assert roles(shop) == {"ada": "admin"}


def test_where_roles_follow_groups_the_page_says_so(admin: Client, settings: Any) -> None:
    said = "Whoever signs in with Example ID gets the role of their groups."
    sign_on = SignOn("https://id", "x", "y", name="Example ID", roles={"ops": (("elsewhere", "viewer"),)})
    settings.SIGN_ON = sign_on
    assert said not in html_of(admin.get(PAGE))
    settings.SIGN_ON = replace(sign_on, roles={"ops": (("shop", "viewer"),)})
    assert said in html_of(admin.get(PAGE))


def test_it_takes_the_same_queries_for_one_person_and_for_fifty(admin: Client, shop: Project) -> None:
    def more() -> None:
        for number in range(49):
            a_person(f"p-{number}", shop, role="viewer")

    query_ledger.holds("GET /clouds/{slug}/people/", lambda: admin.get(PAGE), more)
    a_person("zoe", shop)
    html = html_of(admin.get(PAGE))
    assert "50 shown" in html and "zoe" not in html and "cursor=" in html
