"""A person's own sign-in: factors added and removed, password, sessions listed and ended."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from reinstall.domain.proofs import KEY, Proof
from reinstall.models import AuditEvent, SignedIn
from reinstall.services.sessions import forget_ended_sessions
from reinstall.web.security import NewPasswordForm
from tests.query_ledger import holds
from tests.reinstall.signing import PASSWORD, by_password, code_of, signed_in, with_app

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CODE = re.compile(r"\b[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$", re.MULTILINE)


def enrolled(client: Client) -> tuple[str, list[str]]:
    """The secret of the app added by the page, and the recovery codes it showed."""
    html = client.get("/settings/security/app/").content.decode()
    secret = html.split('id="app-secret">')[1].split("<")[0].replace(" ", "")
    shown = client.post("/settings/security/app/", {"code": code_of(secret)}).content.decode()
    return secret, CODE.findall(shown)


def acts() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_an_app_is_added_with_its_first_code_and_recovery_codes_are_shown_once(user: User) -> None:
    client = by_password(user)
    html = client.get("/settings/security/app/").content.decode()
    assert '<svg class="qr" viewBox="0 0 ' in html
    assert "This code does not fit." in client.post("/settings/security/app/", {"code": "1"}).content.decode()
    assert not Authenticator.objects.exists()
    secret, codes = enrolled(client)
    assert len(set(codes)) == 10
    page = client.get("/settings/security/").content.decode()
    assert not CODE.findall(page)
    assert "Authenticator app" in page
    assert Proof.of(client.session).second_factor, "the code was proved in this session"
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code.replace("-", "") in stored for code in codes)
    assert acts() == ["account.signed_in", "factor.added", "recovery_codes.made", "account.proved"]
    told = str(list(AuditEvent.objects.values_list("before", "after", "note")))
    assert secret not in told


def test_an_app_is_added_under_a_fresh_proof_only(user: User) -> None:
    client = signed_in(user, proved_at=timezone.now() - timedelta(minutes=6))
    for address in ("app/", "passkeys/new/", "password/"):
        answer = client.get(f"/settings/security/{address}")
        assert answer["Location"] == f"/sign-in/again/?next=/settings/security/{address}"
    with_app(user)
    factor = Authenticator.objects.get(type="totp")
    for address in (f"factors/{factor.pk}/remove/", "codes/"):
        answer = client.post(
            f"/settings/security/{address}", headers={"referer": "http://x/settings/security/"}
        )
        assert answer["Location"] == "/sign-in/again/?next=/settings/security/"
    assert Authenticator.objects.filter(pk=factor.pk).exists()


def test_with_the_last_factor_the_recovery_codes_go(user: User) -> None:
    with_app(user)
    client = signed_in(user)
    mine = Authenticator.objects.get(type="totp")
    other = User.objects.create_user("eve", password=PASSWORD)
    with_app(other)
    theirs = Authenticator.objects.get(type="totp", user=other)
    assert client.post(f"/settings/security/factors/{theirs.pk}/remove/").status_code == 404
    assert client.post(f"/settings/security/factors/{mine.pk}/remove/").status_code == 303
    assert set(Authenticator.objects.values_list("user", flat=True)) == {other.pk}
    assert not Proof.of(client.session).second_factor


def test_new_recovery_codes_end_the_old_ones(user: User) -> None:
    _, old = with_app(user)
    new = CODE.findall(signed_in(user).post("/settings/security/codes/").content.decode())
    assert by_password(user).post("/sign-in/code/", {"code": old[0]}).status_code == 200
    assert by_password(user).post("/sign-in/code/", {"code": new[0]}).status_code == 302


def test_sessions_are_listed_and_one_is_ended(user: User) -> None:
    here = by_password(user, REMOTE_ADDR="192.0.2.1", HTTP_USER_AGENT=FIREFOX)
    there = by_password(user, REMOTE_ADDR="192.0.2.2")
    by_password(User.objects.create_user("eve", password=PASSWORD), REMOTE_ADDR="192.0.2.3")
    html = here.get("/settings/security/").content.decode()
    assert "Firefox on Linux" in html
    assert html.index("192.0.2.1") < html.index("192.0.2.2"), "this browser comes first"
    assert "192.0.2.3" not in html
    row = SignedIn.objects.get(address="192.0.2.2")
    foreign = SignedIn.objects.get(address="192.0.2.3")
    assert here.post(f"/settings/security/sessions/{foreign.pk}/end/").status_code == 404
    here.post(f"/settings/security/sessions/{row.pk}/end/")
    assert there.get("/jobs/")["Location"] == "/sign-in/?next=/jobs/"
    assert here.get("/jobs/").status_code == 200
    assert acts()[-1] == "session.revoked"


def all_but_the_first(user: User, change: Any) -> None:
    here, there = by_password(user), by_password(user)
    change(here)
    assert here.get("/jobs/").status_code == 200
    assert there.get("/jobs/").status_code == 302


def test_all_other_sessions_are_ended_at_once(user: User) -> None:
    all_but_the_first(user, lambda client: client.post("/settings/security/sessions/end-others/"))


def test_a_new_factor_ends_the_other_sessions(user: User) -> None:
    all_but_the_first(user, enrolled)


def test_a_new_password_ends_the_other_sessions(user: User) -> None:
    new = "an even longer battery"
    said = {"old_password": PASSWORD, "new_password": new}
    all_but_the_first(user, lambda client: client.post("/settings/security/password/", said))
    user.refresh_from_db()
    assert user.check_password(new)
    assert acts()[-1] == "account.password_changed"
    assert SignedIn.objects.count() == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wrong", "an even longer battery", "This is not your present password."),
        (PASSWORD, "sh0rt-pw", "at least 12 characters"),
        (PASSWORD, "password12345", "too common"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(user: User, old: str, new: str, said: str) -> None:
    client = by_password(user)
    answer = client.post("/settings/security/password/", {"old_password": old, "new_password": new})
    html = answer.content.decode()
    assert said in html
    assert new not in html
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_the_form_of_a_password_tells_managers_which_is_which() -> None:
    html = str(NewPasswordForm())
    assert 'autocomplete="current-password"' in html
    assert 'autocomplete="new-password"' in html


def test_a_disabled_account_is_signed_out_at_once(user: User) -> None:
    client = by_password(user)
    boss = signed_in(User.objects.create_superuser("boss", password=PASSWORD))
    form = {"username": "alice", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert boss.post(f"/admin/auth/user/{user.pk}/change/", form).status_code == 302
    assert client.get("/jobs/").status_code == 302
    User.objects.update(is_active=True)
    assert client.get("/jobs/").status_code == 302, "the session is gone, not asleep"


def stamped(client: Client, **changes: Any) -> None:
    session = client.session
    session[KEY] = session[KEY] | {name: value.isoformat() for name, value in changes.items()}
    session.save()


def test_a_session_ends_twelve_hours_after_the_sign_in(user: User) -> None:
    client = by_password(user)
    stamped(client, signed_in_at=timezone.now() - timedelta(hours=11, minutes=59))
    assert client.get("/jobs/").status_code == 200
    assert client.get("/api/v1/servers/").status_code == 200
    stamped(client, signed_in_at=timezone.now() - timedelta(hours=12))
    assert client.get("/api/v1/servers/").status_code == 401
    assert client.get("/jobs/")["Location"] == "/sign-in/?next=/jobs/"


def test_a_session_ends_half_an_hour_after_the_last_request(user: User) -> None:
    client = by_password(user)
    assert client.cookies["ecsportal-session"]["max-age"] == 1800
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=3))
    earlier = timezone.now() - timedelta(minutes=2)
    stamped(client, seen_at=earlier)
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=3))
    SignedIn.objects.update(seen_at=earlier)
    client.get("/servers/changes/")
    assert SignedIn.objects.get().seen_at == earlier, "a page that updates itself is nobody"
    client.get("/jobs/")
    assert SignedIn.objects.get().seen_at > earlier
    assert Session.objects.get().expire_date > timezone.now() + timedelta(minutes=29)
    Session.objects.update(expire_date=timezone.now())
    assert client.get("/jobs/").status_code == 302


def test_the_page_takes_as_many_queries_for_many_sessions(user: User) -> None:
    client = by_password(user)

    def more() -> None:
        for number in range(49):
            now = timezone.now()
            SignedIn.objects.create(user=user, key=f"k{number}", signed_in_at=now, seen_at=now)
            data = {"name": f"key {number}", "public": "", "uses": 0}
            Authenticator.objects.create(user=user, type="webauthn", data=data)

    holds("page /settings/security/", lambda: client.get("/settings/security/"), more)


def test_what_ended_leaves_the_list(user: User) -> None:
    by_password(user)
    gone = by_password(user)
    gone.post("/sign-out/")
    assert SignedIn.objects.count() == 1
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    forget_ended_sessions(now=timezone.now())
    assert not SignedIn.objects.exists()
