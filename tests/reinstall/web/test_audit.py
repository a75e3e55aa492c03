"""The audit log for people: filters, one entry, the file that is itself an entry, the integrity of all."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.domain.integrity import VERIFIED
from reinstall.models import AuditEvent, Job, Project, Server, SystemFlag
from reinstall.selectors import audit
from reinstall.services import verification
from simulator.server import RunningSimulator
from tests import query_ledger
from tests.emptying import lifted
from tests.reinstall.conftest import placed_job
from tests.reinstall.rows import T0, a_person, a_project, an_actor, an_event
from tests.reinstall.unrecorded import audit_log_full
from tests.reinstall.web.conftest import filled_in, form_address

pytestmark = pytest.mark.django_db


def signed_in(person: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def root(db: None) -> Client:
    return signed_in(User.objects.create_superuser("root", password="correct horse battery"))


@pytest.fixture
def entries(shop: Project) -> list[AuditEvent]:
    """Three acts in shop, and one in a project of others."""
    a_project("other")
    return [
        an_event(project_slug="shop", object_label="first", address="192.0.2.7", request_id="r-1"),
        an_event(
            project_slug="shop", object_label="second", actor_name="carol", source="token", token_name="ci",
            action="order.cancelled", before={"state": "running", "kept": 1}, after={"state": "cancelled"},
            at=T0 + timedelta(days=2),
        ),
        an_event(project_slug="shop", object_label="third", object_type="server", object_id="abc"),
        an_event(project_slug="other", object_label="foreign"),
    ]  # fmt: skip


LABELS = ("first", "second", "third", "foreign")


def labels(client: Client, **query: str) -> list[str]:
    """What the list shows of the four, newest first."""
    answer = client.get("/audit/", query)
    assert answer.status_code == 200
    return [entry.object_label for entry in answer.context["page"].items]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, ["third", "second", "first"]),
        ({"actor": "carol"}, ["second"]),
        ({"action": "order.placed"}, ["third", "first"]),
        ({"object_type": "server"}, ["third"]),
        ({"object_type": "order", "object_id": "1"}, ["second", "first"]),
        ({"source": "token"}, ["second"]),
        ({"q": "r-1"}, ["first"]),
        ({"since": "2026-01-03"}, ["second"]),
        ({"until": "2026-01-02"}, ["third", "first"]),
        ({"project": "shop"}, ["third", "second", "first"]),
        ({"project": "other"}, []),
        ({"actor": "\0"}, ["third", "second", "first"]),
    ],
    ids=str,
)
def test_the_list_is_narrowed_by(
    query: dict[str, str], shown: list[str], page: Client, entries: list[AuditEvent]
) -> None:
    assert labels(page, **query) == shown


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "9999-12-31"])
def test_a_day_that_is_none_is_refused(day: str, page: Client) -> None:
    assert page.get("/audit/", {"until": day}).status_code == 400


def test_the_chosen_project_narrows_until_another_is_asked_for(
    root: Client, entries: list[AuditEvent]
) -> None:
    root.get("/servers/?project=other")
    assert labels(root) == ["foreign"]
    assert labels(root, project="shop") == ["third", "second", "first"]
    assert {*LABELS} <= {*labels(root, project="")}


def test_each_row_says_from_where_and_leads_to_its_entry(page: Client, entries: list[AuditEvent]) -> None:
    html = page.get("/audit/").content.decode()
    for entry in entries[:3]:
        assert f'href="/audit/{entry.pk}/"' in html
    assert "192.0.2.7" in html
    assert "token “ci”" in html


def test_an_entry_shows_both_sides_and_where_it_came_from(page: Client, entries: list[AuditEvent]) -> None:
    answer = page.get(f"/audit/{entries[1].pk}/")
    changes = [(change.name, change.before, change.after) for change in answer.context["changes"]]
    assert changes == [("kept", "1", ""), ("state", "running", "cancelled")]
    html = answer.content.decode()
    assert "token “ci”" in html and "carol" in html
    assert "stream 0" in html.lower() or "0, position 2" in html
    first = page.get(f"/audit/{entries[0].pk}/").content.decode()
    assert "192.0.2.7" in first and "r-1" in first


def test_an_entry_leads_to_those_of_the_same_object_around_it(
    page: Client, entries: list[AuditEvent]
) -> None:
    first, second, other = entries[:3]
    assert f'rel="next" href="/audit/{second.pk}/"' in page.get(f"/audit/{first.pk}/").content.decode()
    html = page.get(f"/audit/{second.pk}/").content.decode()
    assert f'rel="prev" href="/audit/{first.pk}/"' in html
    # The one of the other project is about an object of the same id.
    assert 'rel="next"' not in html
    assert 'rel="' not in page.get(f"/audit/{other.pk}/").content.decode().split("<main")[1]


def test_an_entry_of_others_is_not_there(page: Client, root: Client, entries: list[AuditEvent]) -> None:
    foreign = entries[3]
    assert page.get(f"/audit/{foreign.pk}/").status_code == 404
    assert page.get("/audit/99999999999999999999/").status_code == 404
    assert root.get(f"/audit/{foreign.pk}/").status_code == 200


def test_names_from_elsewhere_stay_text(page: Client, shop: Project) -> None:
    bad = "<svg onload=x>"
    entry = an_event(project_slug="shop", object_label=bad, note=bad, after={bad: bad}, actor_name=bad)
    for address in ("/audit/", f"/audit/{entry.pk}/", f"/audit/?actor={bad}&q={bad}"):
        assert "<svg onload" not in page.get(address).content.decode()


# ------------------------------------------------------------------ export


def exported(client: Client, form: str, **query: str) -> str:
    answer = client.post("/audit/export/", {"format": form, **query})
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="audit.{form}"'
    assert (answer["X-Content-Type-Options"], answer["Cache-Control"]) == ("nosniff", "no-store")
    return answer.content.decode()


def test_the_file_holds_exactly_the_filter_and_is_itself_an_entry(
    page: Client, entries: list[AuditEvent]
) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(page, "csv", object_type="order"))))
    assert [row["object_label"] for row in rows] == ["second", "first"]
    assert rows[0]["token"] == "ci" and json.loads(rows[0]["before"]) == {"state": "running", "kept": 1}
    noted = AuditEvent.objects.get(action="audit.exported")
    assert (noted.actor_name, noted.source, noted.address) == ("bob", "browser", "127.0.0.1")
    assert noted.after == {"filter": {"object_type": "order"}, "format": "csv", "entries": 2}


def test_the_json_file_has_the_same_entries_with_their_codes(page: Client, entries: list[AuditEvent]) -> None:
    found = json.loads(exported(page, "json", project="shop"))
    assert [entry["object_label"] for entry in found] == ["third", "second", "first"]
    assert found[1]["after"] == {"state": "cancelled"}
    assert found[2]["mac"] == entries[0].mac and found[2]["at"].endswith("Z")
    assert AuditEvent.objects.get(action="audit.exported").project_slug == "shop"


def test_the_export_button_hands_on_the_filter(page: Client, entries: list[AuditEvent]) -> None:
    form = page.get("/audit/", {"actor": "carol"}).content.decode().split('action="/audit/export/"')[1]
    assert '<input type="hidden" name="actor" value="carol">' in form.split("</form>")[0]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str, page: Client, shop: Project) -> None:
    an_event(project_slug="shop", object_label=f"{start}1+1", note=f"{start}cmd|' /C calc'!A0")
    [row] = csv.DictReader(io.StringIO(exported(page, "csv", object_type="order"), newline=""))
    assert row["object_label"] == f"'{start}1+1" and row["note"].startswith(f"'{start}")


def test_an_export_takes_a_post_with_its_csrf_token(
    page: Client, bob: User, entries: list[AuditEvent]
) -> None:
    assert page.get("/audit/export/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bob)
    assert strict.post("/audit/export/", {"format": "csv"}).status_code == 403
    assert not AuditEvent.objects.filter(action="audit.exported").exists()


def test_what_is_no_format_is_refused(page: Client, shop: Project) -> None:
    assert page.post("/audit/export/", {"format": "xls"}).status_code == 400


def test_too_many_entries_are_no_file(bob: User, entries: list[AuditEvent]) -> None:
    assert len(audit.all_entries(an_actor(bob), audit.AuditFilters(), most=3)) == 3
    with pytest.raises(RuleBroken, match="More than 2 entries match. Narrow the filter"):
        audit.all_entries(an_actor(bob), audit.AuditFilters(), most=2)


@pytest.mark.parametrize("name", ["GET /audit/", "GET /audit/{id}/", "GET /audit/verify/"])
def test_a_page_takes_as_many_queries_for_one_entry_as_for_fifty(
    name: str, page: Client, entries: list[AuditEvent]
) -> None:
    def more() -> None:
        for number in range(49):
            an_event(project_slug="shop", object_id=str(number % 3), object_label=f"<{number}>")

    address = name.removeprefix("GET ").format(id=entries[1].pk)
    query_ledger.holds(name, lambda: page.get(address), more)


def test_an_export_that_cannot_be_recorded_is_none(bob: User, entries: list[AuditEvent]) -> None:
    with audit_log_full("audit.exported"):
        answer = signed_in(bob).post("/audit/export/", {"format": "csv"})
    assert answer.status_code == 503
    assert "second" not in answer.content.decode()


# ------------------------------------------------------------------ integrity


def test_a_superuser_verifies_and_everybody_sees_what_was_found(
    root: Client, page: Client, entries: list[AuditEvent]
) -> None:
    assert "Not verified yet" in page.get("/audit/").content.decode()
    assert "Not verified yet" in page.get("/audit/verify/").content.decode()
    answer = root.post("/audit/verify/")
    assert (answer.status_code, answer["Location"]) == (303, "/audit/verify/")
    html = page.get("/audit/verify/").content.decode()
    assert f"<b>{AuditEvent.objects.count()} entries, chain unbroken</b>" in html
    anchor = root.get("/audit/verify/").context["integrity"].verdict.anchor
    assert len(anchor.digest) == 64 and f"{anchor.short}…" in html
    assert "Chain unbroken" in page.get("/audit/").content.decode()


def test_the_first_entry_that_does_not_fit_is_named(root: Client, entries: list[AuditEvent]) -> None:
    with lifted():
        AuditEvent.objects.filter(pk=entries[1].pk).update(note="nothing happened")
    root.post("/audit/verify/")
    html = root.get("/audit/verify/").content.decode()
    assert f"The history is broken. Entry {entries[1].pk} was changed" in html
    assert f'href="/audit/{entries[1].pk}/"' in html
    assert "The history is broken" in root.get("/audit/").content.decode()
    assert root.get("/ready").json()["audit"] == "broken"
    assert "does not fit" in root.get("/manage/health/").content.decode()


def test_nobody_else_starts_a_verification(page: Client, entries: list[AuditEvent]) -> None:
    assert page.post("/audit/verify/").status_code == 403
    assert "Verify now" not in page.get("/audit/verify/").content.decode()
    assert not SystemFlag.objects.filter(name=VERIFIED).exists()


def test_readiness_tells_of_the_history_and_stays_ready(client: Client, entries: list[AuditEvent]) -> None:
    assert client.get("/ready").json()["audit"] == "unverified"
    verification.verify_due(now=timezone.now())
    assert client.get("/ready").json()["audit"] == "unbroken"


def test_a_kept_result_that_was_bent_is_not_believed(root: Client, entries: list[AuditEvent]) -> None:
    root.post("/audit/verify/")
    SystemFlag.objects.filter(name=VERIFIED).update(value={"entries": "many"})
    assert "latest verification found was changed" in root.get("/audit/verify/").content.decode()


# ------------------------------------------------------------------ F73: no entry, no act


def test_F73_the_form_is_refused_and_the_page_says_why(
    requester: User, server: Server, simulator: RunningSimulator
) -> None:
    browser = signed_in(requester)
    data = filled_in(browser, server)
    with audit_log_full():
        answer = browser.post(form_address(server), data)
    html = answer.content.decode()
    assert answer.status_code == 503
    assert "<h1>Nothing was done</h1>" in html
    assert "The audit entry of this act could not be written." in html
    assert f"<code>{answer['X-Request-Id']}</code>" in html
    assert not Job.objects.exists() and not simulator.accepted()
    # The same form goes through once entries can be written again.
    assert browser.post(form_address(server), data).status_code == 303
    assert Job.objects.count() == 1


def test_F73_a_job_is_not_cancelled_without_its_entry(requester: User, actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    with audit_log_full("job.cancelled"):
        assert signed_in(requester).post(f"/jobs/{job.pk}/cancel/").status_code == 503
    job.refresh_from_db()
    assert job.state == "queued"


def test_every_role_of_a_project_reads_its_entries(entries: list[AuditEvent], shop: Project) -> None:
    viewer = a_person("vera", shop, role="viewer")
    assert labels(signed_in(viewer)) == ["third", "second", "first"]
