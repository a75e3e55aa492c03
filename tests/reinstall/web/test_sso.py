"""Single sign-on against an identity provider over real sockets: who gets in, with which rights, who not."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.proofs import Proof
from reinstall.domain.signon import SignOn
from reinstall.models import AuditEvent, Membership, Project
from tests.reinstall.identity import CLIENT, SECRET, Provider, new_key, running_provider
from tests.reinstall.rows import a_project
from tests.reinstall.signing import PASSWORD, code_of, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with running_provider() as running:
        roles = {
            "ops": (("shop", "requester"),),
            "leads": (("shop", "admin"), ("lab", "viewer")),
        }
        settings.SIGN_ON = SignOn(running.issuer, CLIENT, SECRET, name="Example ID", roles=roles)
        yield running


def came_back(client: Client, provider: Provider, then: str = "/jobs/") -> Any:
    """What the portal answers to somebody who comes back from the provider."""
    sent = client.get("/sign-in/sso/", {"next": then})
    code, state = provider.code_for(sent["Location"])
    return client.get("/sign-in/sso/callback/", {"code": code, "state": state})


def not_in(client: Client, answer: Any) -> None:
    assert answer.status_code == 403
    assert client.get("/jobs/")["Location"] == "/sign-in/?next=/jobs/"
    assert not SocialAccount.objects.exists()


def test_the_button_is_there_where_it_is_set_up(provider: Provider, settings: Any) -> None:
    html = Client().get("/sign-in/?next=/jobs/").content.decode()
    assert 'href="/sign-in/sso/?next=%2Fjobs%2F">Continue with Example ID</a>' in html
    assert 'name="password"' in html, "the local way stays, for the day the provider is away"
    settings.SIGN_ON = None
    assert "Continue with" not in Client().get("/sign-in/").content.decode()
    assert (
        Client().get("/sign-in/sso/").status_code == Client().get("/sign-in/sso/callback/").status_code == 404
    )


def test_somebody_comes_in_with_an_account_of_their_own_and_the_rights_of_their_groups(
    provider: Provider, shop: Project
) -> None:
    client = Client()
    assert came_back(client, provider)["Location"] == "/jobs/"
    assert client.get("/jobs/").status_code == 200
    carol = User.objects.get(username="carol")
    assert not carol.has_usable_password()
    assert (carol.is_staff, carol.is_superuser) == (False, False)
    assert not Proof.of(client.session).second_factor
    assert Membership.objects.get(user=carol).role == "requester"
    told = [(entry.action, entry.actor_name) for entry in AuditEvent.objects.order_by("id")]
    assert told == [
        ("account.added", "single sign-on"),
        ("role.given", "single sign-on"),
        ("account.signed_in", "carol"),
    ]
    assert provider.posts[0]["code_verifier"], "PKCE"


def test_roles_follow_the_groups_at_each_sign_in(provider: Provider, shop: Project) -> None:
    lab, own = a_project("lab"), a_project("own")
    provider.claims["groups"] = ["ops", "leads"]
    came_back(Client(), provider)
    carol = User.objects.get(username="carol")
    Membership.objects.create(user=carol, project=own, role="admin")

    def roles() -> dict[str, str]:
        return dict(Membership.objects.filter(user=carol).values_list("project__slug", "role"))

    assert roles() == {"shop": "admin", "lab": "viewer", "own": "admin"}
    before = AuditEvent.objects.count()
    came_back(Client(), provider)
    assert AuditEvent.objects.count() == before + 1, "nothing changed but the sign-in"
    provider.claims["groups"] = ["ops"]
    came_back(Client(), provider)
    assert roles() == {"shop": "requester", "own": "admin"}, "a project no group stands for is left alone"
    provider.claims["groups"] = None
    came_back(Client(), provider)
    assert roles() == {"own": "admin"}
    ended = AuditEvent.objects.filter(action="role.ended", actor_name="single sign-on")
    assert sorted(ended.values_list("project_slug", flat=True)) == ["lab", "shop"]
    assert lab.pk


def test_staff_and_superusers_are_groups_too_where_that_is_set_up(provider: Provider, settings: Any) -> None:
    said = settings.SIGN_ON
    settings.SIGN_ON = SignOn(
        said.issuer, CLIENT, SECRET, staff=frozenset({"desk"}), superusers=frozenset({"ops"})
    )
    came_back(Client(), provider)
    carol = User.objects.get(username="carol")
    assert (carol.is_staff, carol.is_superuser) == (True, True)
    provider.claims["groups"] = ["desk"]
    came_back(Client(), provider)
    carol.refresh_from_db()
    assert (carol.is_staff, carol.is_superuser) == (True, False)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"nonce": "of another browser"},
        {"nonce": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"sub": None},
        {"iat": int(time.time()) + 3600},
    ],
    ids="-".join,
)
def test_a_token_for_somebody_or_something_else_is_refused(
    provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    client = Client()
    answer = came_back(client, provider)
    not_in(client, answer)
    assert b"Signing in with Example ID did not work." in answer.content


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_token_without_the_issuers_signature_is_refused(provider: Provider, alg: str) -> None:
    provider.headers = {"alg": alg, "kid": "key-1"}
    client = Client()
    not_in(client, came_back(client, provider))


def test_a_token_signed_by_another_key_is_refused(provider: Provider) -> None:
    provider.key = new_key()
    client = Client()
    not_in(client, came_back(client, provider))
    provider.headers = {"alg": "RS256", "kid": "key-2"}
    not_in(client, came_back(client, provider))


def test_a_provider_that_names_another_issuer_is_not_asked(provider: Provider) -> None:
    provider.document = {"issuer": "https://other.example"}
    assert Client().get("/sign-in/sso/").status_code == 403
    provider.document = {"token_endpoint": "ftp://other.example/token"}
    assert Client().get("/sign-in/sso/").status_code == 403


def test_a_provider_that_is_away_is_said_and_passwords_work(settings: Any, user: User) -> None:
    settings.SIGN_ON = SignOn("http://127.0.0.1:9", CLIENT, SECRET)
    answer = Client().get("/sign-in/sso/")
    assert answer.status_code == 403
    assert b"Try again, or use a password." in answer.content
    said = {"username": "alice", "password": PASSWORD}
    assert Client().post("/sign-in/", said).status_code == 302


def test_an_answer_counts_in_the_browser_that_asked_and_once(provider: Provider) -> None:
    client, other = Client(), Client()
    code, state = provider.code_for(client.get("/sign-in/sso/")["Location"])
    back = {"code": code, "state": state}
    not_in(other, other.get("/sign-in/sso/callback/", back))
    not_in(client, client.get("/sign-in/sso/callback/", back | {"state": "guessed"}))
    not_in(client, client.get("/sign-in/sso/callback/", back))
    code, state = provider.code_for(client.get("/sign-in/sso/")["Location"])
    session = client.session
    session["sso"] = session["sso"] | {"until": (timezone.now() - timedelta(seconds=1)).isoformat()}
    session.save()
    not_in(client, client.get("/sign-in/sso/callback/", {"code": code, "state": state}))


def test_nobody_gets_into_a_local_account_by_being_called_alike(provider: Provider, user: User) -> None:
    provider.claims["preferred_username"] = "Alice"
    client = Client()
    answer = came_back(client, provider)
    not_in(client, answer)
    assert b"There is a local account Alice already." in answer.content


def test_a_disabled_account_stays_out(provider: Provider) -> None:
    came_back(Client(), provider)
    User.objects.update(is_active=False)
    client = Client()
    assert came_back(client, provider).status_code == 403
    assert client.get("/jobs/").status_code == 302


def test_a_second_factor_of_this_portal_is_asked_for_unless_the_provider_did(provider: Provider) -> None:
    came_back(Client(), provider)
    secret, _ = with_app(User.objects.get(username="carol"))
    client = Client()
    assert came_back(client, provider)["Location"] == "/sign-in/code/"
    assert client.post("/sign-in/code/", {"code": code_of(secret)})["Location"] == "/jobs/"
    provider.claims["amr"] = ["pwd", "mfa"]
    strong = Client()
    assert came_back(strong, provider)["Location"] == "/jobs/"
    assert Proof.of(strong.session).second_factor


def test_who_has_only_the_provider_proves_it_there_anew(provider: Provider) -> None:
    provider.claims["amr"] = ["mfa"]
    client = Client()
    came_back(client, provider)
    html = client.get("/sign-in/again/?next=/jobs/").content.decode()
    assert 'href="/sign-in/sso/?next=%2Fjobs%2F">Continue with Example ID</a>' in html
    before, key = Proof.of(client.session), client.session.session_key
    sent = client.get("/sign-in/sso/", {"next": "/jobs/"})["Location"]
    assert "prompt=login" in sent
    provider.claims["auth_time"] = int(time.time()) - 3600
    assert came_back(client, provider).status_code == 403, "the provider did not ask"
    assert Proof.of(client.session) == before
    provider.claims["auth_time"] = int(time.time())
    provider.claims["sub"] = "somebody-else"
    provider.claims["preferred_username"] = "dave"
    assert came_back(client, provider).status_code == 403
    assert Proof.of(client.session) == before
    provider.claims["sub"] = "sub-1"
    assert came_back(client, provider)["Location"] == "/jobs/"
    after = Proof.of(client.session)
    assert after.proved_at is not None and before.proved_at is not None
    assert after.proved_at > before.proved_at
    assert client.session.session_key != key
