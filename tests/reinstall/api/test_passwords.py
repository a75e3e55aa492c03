"""`spec.adminpass`: taken, never told again, and not to be guessed from what is kept of the request."""

import hashlib
import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.spec import canonical_json
from reinstall.models import IdempotencyKey, Order, Server
from reinstall.services import requests
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.conftest import Clock, finished

pytestmark = pytest.mark.django_db

PASSWORD = "Canary/Pass=1"


@pytest.fixture
def caller(requester: User) -> Caller:
    return Caller(a_token(requester))


def body_for(server: Server, **changes: Any) -> dict[str, Any]:
    spec = {"adminpass": PASSWORD, "mode": "withStopServer"} | changes.pop("spec", {})
    return {
        "project": server.project.slug,
        "servers": [str(server.pk)],
        "spec": spec,
        "reason": "OPS-1",
        "confirm": server.name,
    } | changes


def test_an_order_with_a_password_runs_and_no_answer_tells_it(
    caller: Caller, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    answer = caller.post("orders/", body_for(server), Idempotency_Key="k1")
    assert answer.status_code == 201, answer.content
    job = finished(Order.objects.get().jobs.get(), clock, simulator)
    assert job.state == "succeeded"
    (accepted,) = simulator.accepted()
    assert accepted["body"] == {"os-reinstall": {"adminpass": PASSWORD, "mode": "withStopServer"}}
    addresses = [f"orders/{job.order_id}/", f"jobs/{job.pk}/", f"jobs/{job.pk}/exchange/", "audit/"]
    told = [answer.content.decode(), *(caller.get(address).content.decode() for address in addresses)]
    assert [text for text in told if "Canary" in text] == []
    assert caller.get(f"jobs/{job.pk}/").json()["asked"]["login"] == "password"


def test_a_dry_run_masks_it_and_has_no_hash(caller: Caller, server: Server) -> None:
    answer = caller.post("orders/", body_for(server, dry_run=True))
    (shown,) = answer.json()["requests"]
    assert shown["body"]["os-reinstall"]["adminpass"] == "hidden" and shown["request_hash"] == ""
    assert "Canary" not in answer.content.decode()


def test_what_is_kept_of_the_request_cannot_be_used_to_try_passwords(caller: Caller, server: Server) -> None:
    asked = body_for(server)
    first = caller.post("orders/", asked, Idempotency_Key="k1")
    again = caller.post("orders/", asked, Idempotency_Key="k1")
    assert again.headers["Idempotent-Replayed"] == "true" and again.json() == first.json()
    kept = IdempotencyKey.objects.get()
    guessed = hashlib.sha256(canonical_json(["/api/v1/orders/", json.loads(json.dumps(asked))])).hexdigest()
    assert kept.fingerprint != guessed and "Canary" not in json.dumps(kept.answer)
    other = body_for(server, spec={"adminpass": "Another-Pass_1"})
    problem_of(caller.post("orders/", other, Idempotency_Key="k1"), 422)


def test_wrong_ones_are_named_and_not_repeated(caller: Caller, server: Server) -> None:
    for spec in ({"adminpass": "canary-only"}, {"keyname": "k", "userid": "0" * 32}, {"adminpass": ""}):
        answer = caller.post("orders/", body_for(server, spec=spec), Idempotency_Key="k2")
        assert fields_of(answer) & {"adminpass", "keyname"}
        assert "canary" not in answer.content.decode().lower()
    answer = caller.post("orders/", body_for(server, spec={"adminpass": 7}), Idempotency_Key="k3")
    assert fields_of(answer) == {"adminpass"}


def test_the_order_that_was_placed_has_it_sealed(caller: Caller, server: Server) -> None:
    caller.post("orders/", body_for(server), Idempotency_Key="k1")
    order = Order.objects.get()
    assert requests.password_of(order) == PASSWORD and b"Canary" not in bytes(order.adminpass_sealed)
