"""The job page after the run: what changed, how long to leave it alone, host keys, the login; the report."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.models import Job, Server
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token
from tests.reinstall.conftest import Clock, advanced, finished, placed_job
from tests.reinstall.web.test_logins import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock) -> Job:
    """A job that has just succeeded, by the clock on the wall."""
    job = finished(placed_job(actor, server), clock, simulator)
    assert job.state == "succeeded"
    Job.objects.filter(pk=job.pk).update(sent_at=now(), ended_at=now(), cloud_ended_at=None)
    job.refresh_from_db()
    return job


def page_of(browser: Client, job: Job) -> str:
    return str(browser.get(f"/jobs/{job.pk}/").content.decode())


def part(html: str) -> str:
    """The part about afterwards."""
    found = re.search(r'<div class="stack o1" id="job-after">.*?</section></div>', html, re.S)
    assert found
    return found.group()


def test_the_end_as_the_cloud_told_it_is_kept(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = finished(placed_job(actor, server), clock, simulator)
    assert job.cloud_ended_at is not None and job.cloud_ended_at.tzinfo is not None


def test_the_proof_names_every_disk(browser: Client, done: Job) -> None:
    shown = part(page_of(browser, done))
    before, after = done.baseline, done.found_after
    old, new = (next(d for d in facts["disks"] if d["boot_index"] == 0) for facts in (before, after))
    assert old["volume_id"] in shown and new["volume_id"] in shown and old != new
    for disk in before["disks"]:
        assert disk["volume_id"] in shown
    assert shown.count("Unchanged") == len(before["disks"]) and shown.count("New</span>") == 1


def test_while_the_login_is_written_it_says_until_when(browser: Client, done: Job) -> None:
    html = page_of(browser, done)
    until = (done.ended_at or now()) + timedelta(minutes=5)
    stamp = until.strftime("%Y-%m-%dT%H:%M:%S")
    assert "Leave it alone until" in part(html) and f'data-until="{stamp}' in part(html)
    assert re.search(r'<span class="pill run" data-until="[^"]+" data-shown="before">', html)
    assert re.search(r'data-shown="after" hidden>', part(html))


def test_afterwards_it_says_that_this_is_over(browser: Client, done: Job) -> None:
    long_ago = now() - timedelta(minutes=6)
    Job.objects.filter(pk=done.pk).update(sent_at=long_ago, ended_at=long_ago)
    html = page_of(browser, done)
    assert "Leave it alone" not in html and "That time is over." in part(html)
    assert 'data-shown="after" hidden' not in html


def test_each_address_has_its_command(browser: Client, done: Job) -> None:
    after = done.found_after | {"addresses": ["10.20.0.10", "2001:db8::7"]}
    Job.objects.filter(pk=done.pk).update(found_after=after)
    shown = part(page_of(browser, done))
    for host in ("10.20.0.10", "2001:db8::7", done.server_name):
        assert f"ssh-keygen -R {host}\n" in shown
    assert 'data-copy-from="forget-lines"' in shown


def test_a_hostile_name_is_in_no_command(browser: Client, done: Job) -> None:
    Job.objects.filter(pk=done.pk).update(server_name="<b>$(reboot)</b>")
    shown = part(page_of(browser, done))
    commands = re.search(r'<pre class="code" id="forget-lines".*?</pre>', shown, re.S)
    assert commands and "reboot" not in commands.group() and "<b>$(" not in shown


def test_the_login_is_named(browser: Client, done: Job) -> None:
    assert f"the private key of <b>{done.order.keyname}</b>" in part(page_of(browser, done))
    done.order.password_set, done.order.keyname = True, ""
    done.order.save()
    assert "Sign in with the password you set." in part(page_of(browser, done))
    done.order.password_set = False
    done.order.save()
    assert "first-boot script" in part(page_of(browser, done))


def test_nothing_of_it_before_the_end_or_after_a_bad_one(
    browser: Client, actor: Actor, server: Server, clock: Clock
) -> None:
    job = placed_job(actor, server)
    for _ in range(2):
        assert '<div id="job-after" hidden></div>' in page_of(browser, job)
        Job.objects.filter(pk=job.pk).update(state="failed", ended_at=clock())


def test_a_job_that_was_settled_without_a_look_says_so(browser: Client, done: Job) -> None:
    Job.objects.filter(pk=done.pk).update(found_after={})
    assert "could not be compared" in part(page_of(browser, done))


def test_the_live_update_brings_it(browser: Client, done: Job) -> None:
    update = browser.get(f"/jobs/{done.pk}/fragment/").json()
    assert "Leave it alone until" in update["html"]["job-after"]


def test_rest_tells_the_same(requester: User, done: Job) -> None:
    caller = Caller(a_token(requester))
    after = caller.get(f"jobs/{done.pk}/").json()["after"]
    assert set(after) == {"leave_alone_until", "ssh_known_hosts", "changes"}
    assert after["ssh_known_hosts"] == [*done.found_after["addresses"], done.server_name]
    assert [line["became"] for line in after["changes"]][0] == "replaced"


def test_rest_has_none_before(requester: User, actor: Actor, server: Server) -> None:
    job = placed_job(actor, server)
    assert Caller(a_token(requester)).get(f"jobs/{job.pk}/").json()["after"] is None


# ------------------------------------------------------------------ the report


def report_of(browser: Client, job: Job) -> str:
    answer = browser.get(f"/jobs/{job.pk}/report.txt")
    assert answer.status_code == 200 and answer["Content-Type"] == "text/plain; charset=utf-8"
    return str(answer.content.decode())


def test_the_report_says_who_what_when_and_the_proof(browser: Client, done: Job) -> None:
    text = report_of(browser, done)
    old = next(d for d in done.baseline["disks"] if d["boot_index"] == 0)
    wanted = [
        f"Job #{done.pk}: reinstall of {done.server_name}",
        "alice (browser)",
        "OPS-4417",
        "Sent to the cloud, once: Done",
        "Accepted, HTTP 200",
        done.cloud_job_id,
        old["volume_id"],
        "(New)",
        f"ssh-keygen -R {done.server_name}",
    ]
    assert [words for words in wanted if words not in text] == []
    assert "<" not in text


def test_the_report_of_a_password_holds_none(
    browser: Client, actor: Actor, server: Server, clock: Clock
) -> None:
    secret: dict[str, Any] = {"keyname": "", "userid": "", "adminpass": PASSWORD}
    job = advanced(placed_job(actor, server, **secret, user_data=b"#!/bin/sh\necho canary\n"), clock, 3)
    text = report_of(browser, job)
    assert "the password that was set with the request" in text and "22 bytes, SHA-256" in text
    assert PASSWORD not in text and "canary" not in text


def test_nobody_adds_a_line_to_a_report(browser: Client, done: Job) -> None:
    done.order.reason = "fine\n  State:  Failed"
    done.order.save()
    lines = report_of(browser, done).splitlines()
    assert [line for line in lines if line.strip().startswith("State:")] == [lines[1]]


def test_others_have_no_report(done: Job, rf: Any) -> None:
    User.objects.create_user("mallory", password="correct horse battery")
    stranger = Client()
    stranger.login(username="mallory", password="correct horse battery")
    assert stranger.get(f"/jobs/{done.pk}/report.txt").status_code == 404
    assert Client().get(f"/jobs/{done.pk}/report.txt").status_code == 302


def test_the_list_says_for_how_long(browser: Client, done: Job) -> None:
    html = browser.get("/jobs/").content.decode()
    assert html.count("Leave it alone") == 1 and 'data-shown="before"' in html
    Job.objects.filter(pk=done.pk).update(
        sent_at=now() - timedelta(hours=1), ended_at=now() - timedelta(hours=1)
    )
    assert "Leave it alone" not in browser.get("/jobs/").content.decode()
