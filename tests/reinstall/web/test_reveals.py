"""The pages a script is shown on: by a POST with the right and a fresh proof, kept by no cache and no log."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Approval, AuditEvent, Job, Membership, Order, Project, Server
from reinstall.services import vault
from reinstall.services.requests import user_data_place
from tests.reinstall.rows import a_job, a_person, a_server, an_order
from tests.reinstall.services.test_approving import asked
from tests.reinstall.signing import PASSWORD, code_of, proved, signed_in, with_app
from tests.reinstall.web.test_presets import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]

SCRIPT = b"#!/bin/sh\necho <b>s3cret-canary</b>\n"


@pytest.fixture
def job(shop: Project, bob: User) -> Job:
    order = an_order(shop, bob, user_data_bytes=len(SCRIPT), user_data_sha256="5" * 64)
    order.user_data_sealed = vault.seal_text(SCRIPT, place=user_data_place(order))
    order.save()
    return a_job(order, a_server(shop), JobState.SUCCEEDED)


def entries() -> int:
    return AuditEvent.objects.filter(action="job.script_revealed").count()


def test_it_is_hidden_until_its_button_is_pressed_and_then_on_a_page_of_its_own(
    job: Job, page: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = page.get(f"/jobs/{job.pk}/")
    assert "hidden Show the script" in text_of(before) and b"s3cret-canary" not in before.content
    assert entries() == 0
    answer = page.post(f"/jobs/{job.pk}/script/")
    html = answer.content.decode()
    assert answer.status_code == 200 and "echo &lt;b&gt;s3cret-canary&lt;/b&gt;" in html
    assert answer["Cache-Control"] == "no-store"
    assert "That you were shown them was recorded." in html and "36 B" in text_of(answer)
    assert entries() == 1
    assert "s3cret-canary" not in caplog.text + str(dict(page.session))
    assert b"s3cret-canary" not in page.get(f"/jobs/{job.pk}/").content


def test_reading_has_no_effect_and_a_foreign_form_none_either(job: Job, bob: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    proved(client)
    assert client.get(f"/jobs/{job.pk}/script/").status_code == 405
    assert client.post(f"/jobs/{job.pk}/script/").status_code == 403
    assert entries() == 0


def test_an_old_proof_is_asked_for_again_and_leads_back_to_the_page(job: Job, bob: User) -> None:
    bob.set_password(PASSWORD)
    bob.save()
    secret, _ = with_app(bob)
    client = signed_in(bob, proved_at=timezone.now() - timedelta(minutes=9))
    address = f"/jobs/{job.pk}/script/"
    answer = client.post(address, headers={"referer": f"http://testserver/jobs/{job.pk}/"})
    assert answer["Location"] == f"/sign-in/again/?next=/jobs/{job.pk}/" and entries() == 0
    again = client.post("/sign-in/again/", {"code": code_of(secret), "next": f"/jobs/{job.pk}/"})
    assert again["Location"] == f"/jobs/{job.pk}/" and entries() == 0
    assert b"s3cret-canary" in client.post(address).content and entries() == 1


def test_without_a_second_factor_the_page_says_what_is_needed(job: Job, bob: User) -> None:
    answer = signed_in(bob, second_factor=False).post(f"/jobs/{job.pk}/script/")
    assert answer.status_code == 403 and b"s3cret-canary" not in answer.content
    assert entries() == 0


@pytest.mark.parametrize(("role", "may"), [("approver", True), ("viewer", False), ("auditor", False)])
def test_the_button_is_there_for_whom_it_works(role: str, may: bool, job: Job, shop: Project) -> None:
    client = signed_in(a_person("anna", shop, role=role))
    assert ("Show the script" in text_of(client.get(f"/jobs/{job.pk}/"))) == may
    answer = client.post(f"/jobs/{job.pk}/script/")
    assert answer.status_code == (200 if may else 403)
    assert (b"s3cret-canary" in answer.content) == may and entries() == may


def test_an_approver_finds_it_on_the_page_of_the_approval(
    actor: Actor, server: Server, settings: Any
) -> None:
    settings.SECOND_PERSON = "always"
    order = asked(actor, server, user_data=SCRIPT)
    job, approval = order.jobs.get(), Approval.objects.get(order=order)
    client = signed_in(a_person("anna", server.project, role=Membership.Role.APPROVER))
    html = client.get(f"/approvals/{approval.pk}/").content.decode()
    assert f'action="/jobs/{job.pk}/script/"' in html and "s3cret-canary" not in html
    answer = client.post(f"/jobs/{job.pk}/script/").content.decode()
    assert "s3cret-canary" in answer and f'href="/approvals/{approval.pk}/"' in answer


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user_data_sealed": b""}, "was deleted after 30 days, as set by ECSPORTAL_KEEP_SECRETS_DAYS"),
        ({"user_data_sealed": b"", "user_data_bytes": 0}, "has no first-boot script"),
        ({"user_data_sealed": b"shut"}, "does not open"),
    ],
)
def test_where_there_is_none_to_show_the_job_says_why(
    changes: dict[str, Any], words: str, job: Job, page: Client
) -> None:
    Order.objects.update(**changes)
    answer = page.post(f"/jobs/{job.pk}/script/", follow=True)
    assert answer.redirect_chain == [(f"/jobs/{job.pk}/", 303)] and words in text_of(answer)
    assert entries() == 0


def test_one_whose_days_are_over_has_no_button(job: Job, page: Client) -> None:
    Order.objects.update(user_data_sealed=b"")
    said = text_of(page.get(f"/jobs/{job.pk}/"))
    assert "36 B, deleted since" in said and "Show the script" not in said
