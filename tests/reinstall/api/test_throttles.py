"""Who asks too often is told when to go on; tokens that are good in some networks only."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.throttles import DEFAULTS, Kind, Limit
from reinstall.models import ApiToken, IdempotencyKey, Order, Project
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.api.test_orders import body_for
from tests.reinstall.conftest import free_servers


@pytest.fixture
def limits(settings: Any) -> None:
    """Two of everything."""
    settings.THROTTLES = {**DEFAULTS, **{kind: Limit(2, 3600) for kind in Kind}}


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "servers/", "read"),
        ("GET", "servers/?format=csv", "export"),
        ("GET", "openapi.json", "read"),
        ("GET", "nowhere/", "read"),
        ("POST", "orders/", "write"),
        ("DELETE", "tokens/999999/", "write"),
    ],
)
def test_too_many_are_refused_with_when_to_go_on(
    limits: None, call: Caller, method: str, path: str, kind: str
):
    for left in (1, 0):
        answer = call.send(method, path)
        assert answer.status_code != 429
        assert answer["RateLimit-Policy"] == f'"{kind}";q=2;w=3600'
        assert answer["RateLimit"].startswith(f'"{kind}";r={left};t=')
    answer = call.send(method, path)
    assert "2 an hour" in problem_of(answer, 429)["detail"]
    assert 1 <= int(answer["Retry-After"]) <= 3600
    assert answer["RateLimit"] == f'"{kind}";r=0;t={answer["Retry-After"]}'


def test_a_token_that_reads_too_often_may_still_write_and_others_may_read(
    limits: None, call: Caller, bob: User
):
    assert [call.get("servers/").status_code for _ in range(3)] == [200, 200, 429]
    assert call.post("orders/").status_code != 429
    assert Caller(a_token(bob)).get("servers/").status_code == 200
    browser = Caller()
    browser.client.force_login(bob)
    assert browser.get("servers/").status_code == 200


def test_nobody_is_counted_before_they_are_known(limits: None, db: None):
    for _ in range(3):
        problem_of(Caller().get("servers/"), 401)


def test_orders_are_counted_for_the_person_whatever_token_they_use(
    settings: Any, requester: User, project: Project, simulator: RunningSimulator
):
    settings.THROTTLES = {**DEFAULTS, Kind.ORDER: Limit(1, 3600)}
    first, second, *_ = free_servers(project)
    answers = [
        Caller(a_token(requester)).post("orders/", body_for(server), **{"Idempotency-Key": key})
        for server, key in ((first, "key-1"), (second, "key-2"))
    ]
    assert [answer.status_code for answer in answers] == [201, 429], answers[0].content
    assert problem_of(answers[1], 429)["detail"].startswith("Orders of one person are limited to 1 an hour.")
    assert answers[1]["RateLimit-Policy"] == '"order";q=1;w=3600'
    assert Order.objects.count() == 1 and not IdempotencyKey.objects.filter(key="key-2").exists()
    assert not simulator.accepted()


def test_a_repeated_order_is_no_second_one(settings: Any, requester: User, project: Project):
    settings.THROTTLES = {**DEFAULTS, Kind.ORDER: Limit(1, 3600)}
    caller, body = Caller(a_token(requester)), body_for(free_servers(project)[0])
    answers = [caller.post("orders/", body, **{"Idempotency-Key": "key-1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3


@pytest.mark.parametrize(
    ("proxied", "direct", "forwarded", "status"),
    [
        (False, "10.1.2.3", "", 200),
        (False, "10.2.2.3", "", 401),
        # Without a proxy that is trusted, the header is what anybody may write.
        (False, "10.2.2.3", "10.1.2.3", 401),
        (True, "10.2.2.3", "10.1.2.3", 200),
        (True, "10.1.2.3", "10.2.2.3", 401),
        (True, "10.2.2.3", "10.1.2.3, 10.2.2.3", 401),
        (True, "10.2.2.3", "192.0.2.1, 10.1.2.3", 200),
    ],
)
def test_a_token_is_refused_from_elsewhere(
    settings: Any, bob: User, proxied: bool, direct: str, forwarded: str, status: int
):
    settings.TRUST_PROXY = proxied
    caller = Caller(a_token(bob, networks=("10.1.0.0/16",)))
    caller.client.defaults["REMOTE_ADDR"] = direct
    answer = caller.get("servers/", **({"X-Forwarded-For": forwarded} if forwarded else {}))
    assert answer.status_code == status
    used_from = ApiToken.objects.get().last_used_from
    if status == 200:
        assert used_from == "10.1.2.3"
    else:
        unknown = Caller("ecsp_wrong").get("servers/")
        assert problem_of(answer, 401)["detail"] == problem_of(unknown, 401)["detail"]
        assert used_from == ""
