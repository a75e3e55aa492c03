"""The pages of clouds: who sees and changes what, what is kept of a form, what a stale page is told."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from reinstall.models import AuditEvent, Cloud, Membership, Project, SyncRun
from simulator.server import RunningSimulator
from tests import query_ledger
from tests.reinstall.rows import a_project

pytestmark = pytest.mark.django_db
SECRET = "canary-secret-key-4711"


@pytest.fixture
def boss(user: User) -> Client:
    """alice, who administers the portal."""
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(user: User, project: Project) -> Client:
    """alice, who administers shop-prod."""
    Membership.objects.create(user=user, project=project, role=Membership.Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def as_form(document: dict[str, Any]) -> dict[str, str]:
    """A document as a person types it into the form."""
    flat = {name: value for name, value in document.items() if isinstance(value, str)}
    for group in ("endpoints", "credentials"):
        flat |= {f"{group}.{name}": value for name, value in document[group].items()}
    return flat


def test_an_empty_portal_leads_an_administrator_to_its_first_cloud(boss: Client) -> None:
    for address in ("/servers/", "/clouds/"):
        html = boss.get(address).content.decode()
        assert 'href="/clouds/new/"' in html and "Three steps to a first reinstall" in html
    assert boss.get("/", follow=True).redirect_chain == [("/servers/", 302)]


def test_somebody_without_a_project_is_not_led_there(stranger: Client) -> None:
    assert b"/clouds/" not in stranger.get("/servers/").content
    assert b"You are not a member of any cloud project" in stranger.get("/clouds/").content
    assert stranger.get("/clouds/new/").status_code == 403
    assert stranger.post("/clouds/new/", {}).status_code == 403


@pytest.mark.parametrize("kind", ["aksk", "password"])
def test_a_cloud_is_added_by_hand(boss: Client, simulator: RunningSimulator, kind: str) -> None:
    form = boss.get("/clouds/new/").content.decode()
    assert '<option value="eu-ch2">Swiss Open Telekom Cloud</option>' in form
    typed = as_form(simulator.cloud_json("shop-prod", kind=kind))
    # What was typed for the other kind before one changed one's mind does not count.
    other = {"credentials.user": "left over"} if kind == "aksk" else {"credentials.access_key": "left over"}
    answer = boss.post("/clouds/new/", {**other, **typed})
    assert (answer.status_code, answer["Location"]) == (303, "/clouds/shop-prod/")
    page = boss.get("/clouds/shop-prod/").content.decode()
    assert "Test the connection" in page and ">just now</time> by alice" in page
    project = Project.objects.get()
    assert (project.credential_kind, project.credentials_set_by_name) == (kind, "alice")


def test_what_was_typed_is_kept_except_secrets(boss: Client, simulator: RunningSimulator) -> None:
    typed = as_form(simulator.cloud_json("shop-prod")) | {
        "project_id": "<b>no id</b>",
        "credentials.secret_key": SECRET,
        "endpoints.ecs": "http://169.254.169.254",
    }
    html = boss.post("/clouds/new/", typed).content.decode()
    assert "There is a problem" in html and "A project id has 32 characters" in html
    assert "&lt;b&gt;no id&lt;/b&gt;" in html and "<b>no id</b>" not in html
    assert "is no address of a cloud" in html and f'value="{typed["credentials.access_key"]}"' in html
    assert SECRET not in html
    assert 'name="environment" value="simulator" checked' in html
    assert re.search(r'<option value="[^"]+" selected>', html)
    assert not Project.objects.exists()


def test_an_empty_form_names_what_is_missing(boss: Client) -> None:
    html = boss.post("/clouds/new/", {}).content.decode()
    assert html.count('class="err"') >= 5 and "Choose the cloud." in html
    wrong = boss.post("/clouds/new/", {"environment": "staging", "profile": "otc", "region": "atlantis",
                                       "name": "x", "project_id": "0" * 32}).content.decode()  # fmt: skip
    assert "has no known region atlantis" in wrong and "Write aksk or password" in wrong


def test_projects_stand_under_their_cloud(admin: Client, project: Project) -> None:
    Project.objects.update(
        credentials_set_at=now() - timedelta(days=34, hours=1), credentials_set_by_name="bob"
    )
    a_reading(project)
    html = admin.get("/clouds/").content.decode()
    assert "34\N{NO-BREAK SPACE}days ago" in html and "by bob" in html
    assert "+3, 2 changed, 1 gone" in html and "Reachable" in html
    assert 'href="/clouds/shop-prod/test/"' in html and 'action="/projects/shop-prod/sync/"' in html
    Project.objects.update(sync_error="Reading key pairs ended early: <b>.")
    assert "Last look had problems" in admin.get("/clouds/").content.decode()
    assert "ended early: &lt;b&gt;." in admin.get("/clouds/shop-prod/").content.decode()


def test_a_requester_sees_a_project_and_cannot_change_it(browser: Client, project: Project) -> None:
    html = browser.get("/clouds/shop-prod/").content.decode()
    assert "change-form" not in html and "rotate-form" not in html and "Test connection" not in html
    assert browser.get("/clouds/shop-prod/test/").status_code == 403
    assert browser.post("/clouds/shop-prod/test/").status_code == 403
    assert browser.post("/clouds/shop-prod/test/steps").status_code == 403
    assert browser.post("/clouds/shop-prod/", {"name": "x", "version": 1}).status_code == 403
    assert browser.post("/clouds/shop-prod/credentials/", {}).status_code == 403


@pytest.mark.parametrize("page", ["", "test/"])
def test_a_project_of_others_is_not_there(stranger: Client, project: Project, page: str) -> None:
    assert stranger.get(f"/clouds/shop-prod/{page}").status_code == 404
    assert stranger.post(f"/clouds/shop-prod/{page}").status_code == 404
    assert stranger.post("/clouds/shop-prod/test/steps").status_code == 404
    assert stranger.post("/clouds/shop-prod/credentials/").status_code == 404


def test_the_fields_of_a_cloud_are_shown_with_the_reason_of_those_missing(admin: Client) -> None:
    Cloud.objects.update(profile="otc-swiss")
    html = admin.get("/clouds/shop-prod/").content.decode()
    assert "Sign in with a password" in html and "documents no password for a reinstall" in html


def change_form(client: Client, **changes: str) -> dict[str, str]:
    html = client.get("/clouds/shop-prod/").content.decode()
    found = re.search(r'name="version" value="(\d+)"', html)
    assert found
    return {"name": "shop-prod", "environment": "simulator", "version": found.group(1)} | changes


def test_a_change_is_saved_and_said(admin: Client) -> None:
    answer = admin.post("/clouds/shop-prod/", change_form(admin, name="Shop"))
    assert (answer.status_code, answer["Location"]) == (303, "/clouds/shop-prod/")
    assert b"Shop was saved." in admin.get("/clouds/shop-prod/").content
    refused = admin.post("/clouds/shop-prod/", change_form(admin, environment="production"))
    assert b"administrator of this portal" in refused.content
    assert Project.objects.get().environment == "simulator"


def test_a_stale_page_is_told_the_difference_and_may_be_sent_again(admin: Client) -> None:
    stale = change_form(admin, name="mine")
    admin.post("/clouds/shop-prod/", change_form(admin, name="theirs"))
    answer = admin.post("/clouds/shop-prod/", stale)
    html = answer.content.decode()
    assert answer.status_code == 409 and Project.objects.get().name == "theirs"
    assert "alice changed this" in html
    assert "Name: now <b>theirs</b>, you typed <b>mine</b>" in html
    assert 'value="mine"' in html and 'name="version" value="2"' in html
    assert admin.post("/clouds/shop-prod/", stale | {"version": "2"}).status_code == 303
    assert Project.objects.get().name == "mine"


@pytest.mark.parametrize("version", ["", "x", "0", "99"])
def test_a_version_that_is_none_is_stale(admin: Client, version: str) -> None:
    answer = admin.post("/clouds/shop-prod/", change_form(admin, name="x", version=version))
    assert answer.status_code in (200, 409) and Project.objects.get().name == "shop-prod"


def test_new_credentials_are_tried_first(admin: Client, simulator: RunningSimulator) -> None:
    good = as_form({"endpoints": {}, "credentials": simulator.cloud_json("shop-prod")["credentials"]})
    html = admin.post(
        "/clouds/shop-prod/credentials/", good | {"credentials.secret_key": SECRET}
    ).content.decode()
    assert "The old credentials stay: Sign-in failed" in html and "APIGW.0301" in html
    assert SECRET not in html and Project.objects.get().credential_version == 1
    answer = admin.post("/clouds/shop-prod/credentials/", good)
    assert answer.status_code == 303 and Project.objects.get().credential_version == 2
    assert b"The new credentials work" in admin.get("/clouds/shop-prod/").content


def test_without_javascript_a_test_is_one_page_after_all_steps(admin: Client) -> None:
    assert b"not yet" in admin.get("/clouds/shop-prod/test/").content
    answer = admin.post("/clouds/shop-prod/test/")
    assert (answer.status_code, answer["Location"]) == (303, "/clouds/shop-prod/test/")
    html = admin.get("/clouds/shop-prod/test/").content.decode()
    assert "The connection works. To know: TLS." in html and "servers listed." in html
    assert "a reinstall is the only real test" in html
    assert "not yet" in admin.get("/clouds/shop-prod/test/").content.decode(), "shown once"
    assert AuditEvent.objects.filter(action="project.checked").count() == 1


def test_a_test_of_credentials_that_do_not_open_says_so(admin: Client) -> None:
    Project.objects.update(credentials_sealed=b"junk")
    admin.post("/clouds/shop-prod/test/")
    html = admin.get("/clouds/shop-prod/test/").content.decode()
    assert "Failed: Credentials." in html and "ECSPORTAL_ENCRYPTION_KEYS" in html


def a_reading(project: Project) -> SyncRun:
    """A reading that ended."""
    return SyncRun.objects.create(
        project=project,
        requested_by_name="bob",
        requested_at=now(),
        ended_at=now(),
        added=3,
        changed=2,
        gone=1,
    )


def test_the_pages_take_the_same_queries_for_one_project_and_for_fifty(
    admin: Client, user: User, project: Project
) -> None:
    a_reading(project)

    def more() -> None:
        for number in range(2, 51):
            made = a_project(f"p-{number}")
            Membership.objects.create(user=user, project=made, role=Membership.Role.ADMIN)
            a_reading(made)

    query_ledger.holds("GET /clouds/", lambda: admin.get("/clouds/"), more)
    query_ledger.holds("GET /clouds/{slug}/", lambda: admin.get("/clouds/shop-prod/"), lambda: None)


def test_secrets_that_were_left_out_are_named_as_the_page_names_them(admin: Client) -> None:
    html = admin.post("/clouds/shop-prod/credentials/", {"credentials.kind": "aksk"}).content.decode()
    assert "Secret key (SK) is missing." in html and "secret_key is" not in html
