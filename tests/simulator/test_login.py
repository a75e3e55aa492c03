"""Signatures, tokens and projects: who may in, and what those hear who may not."""

import http.client
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from simulator.messages import Request
from simulator.server import RunningSimulator
from simulator.signing import BadSignature, canonical_request, read_claim, signature_of, verify
from tests.simulator.client import Client, Reply, named

# Printed in the public API request signing guide of Huawei Cloud.
GUIDE_SECRET = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"
GUIDE = Request(
    "GET",
    "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
    {
        "content-type": "application/json",
        "host": "service.region.example.com",
        "x-sdk-date": "20191115T033655Z",
    },
    b"",
    "",
)
GUIDE_SIGNATURE = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"


def test_the_example_of_the_signing_guide() -> None:
    names = ("content-type", "host", "x-sdk-date")
    assert signature_of(GUIDE, names, "20191115T033655Z", GUIDE_SECRET) == GUIDE_SIGNATURE


def test_escapes_are_those_of_the_official_signer() -> None:
    target = "/v1/p/cloudservers/detail?offset=1&name=" + quote("web server*~ä/+", safe="")
    request = Request("GET", target, {"host": "h", "x-sdk-date": "d"}, b"", "")
    text = canonical_request(request, ("host", "x-sdk-date"))
    assert "\nname=web%20server%2A~%C3%A4%2F%2B&offset=1\n" in text


def test_a_signature_of_today_is_believed_and_any_change_is_not() -> None:
    names, now = ("host", "x-sdk-date"), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    headers = {"host": "h", "x-sdk-date": "20260102T030405Z"}
    good = Request("POST", "/v2/a/b?x=1", headers, b"body", "")
    mark = signature_of(good, names, "20260102T030405Z", "secret")
    claim = read_claim(f"SDK-HMAC-SHA256 Access=A, SignedHeaders={';'.join(names)}, Signature={mark}")
    verify(good, claim, "secret", now.timestamp())
    for bad in (
        Request("PUT", good.target, headers, b"body", ""),
        Request("POST", "/v2/a/b?x=2", headers, b"body", ""),
        Request("POST", "/v2/a/c?x=1", headers, b"body", ""),
        Request("POST", good.target, headers, b"Body", ""),
        Request("POST", good.target, {**headers, "host": "other"}, b"body", ""),
    ):
        with pytest.raises(BadSignature, match="verify aksk signature fail"):
            verify(bad, claim, "secret", now.timestamp())


def _signed(
    client: Client,
    path: str,
    *,
    secret: str | None = None,
    at: datetime | None = None,
    body: str = "",
    drop: str | None = None,
) -> Reply:
    """A call signed by the official signer, then perhaps spoilt."""
    login = client.sim.cloud_json()["credentials"]
    host, method = f"127.0.0.1:{client.sim.port}", "POST" if body else "GET"
    resource, _, query = path.replace("{p}", client.project_id).partition("?")
    pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
    request = SdkRequest(method=method, schema="http", host=host, resource_path=resource, query_params=pairs)
    request.header_params = {"Content-Type": "application/json", "X-Project-Id": client.project_id}
    if at is not None:
        request.header_params["X-Sdk-Date"] = at.strftime("%Y%m%dT%H%M%SZ")
    request.body = body

    class Keys:
        ak = login["access_key"]
        sk = secret or login["secret_key"]

    Signer(Keys()).sign(request)
    connection = http.client.HTTPConnection(client.sim.host, client.sim.port, timeout=10)
    sent = {k: v for k, v in request.header_params.items() if k != drop and k.lower() != "host"}
    connection.request(method, request.uri, body or None, {**sent, "Host": host})
    answer = connection.getresponse()
    try:
        return Reply(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


LIST = "/v1/{p}/cloudservers/detail?limit=2&name=web"


def test_official_signatures_are_believed(sim: RunningSimulator, client: Client) -> None:
    assert _signed(client, LIST).json["count"] == 8
    body = json.dumps({"os-reinstall": client.key()})
    path = f"/v2/{{p}}/cloudservers/{named(sim, 'app-prod-01').id}/reinstallos"
    assert _signed(client, path, body=body).status == 200
    assert len(sim.accepted()[0]["x_sdk_date"]) == 16


@pytest.mark.parametrize("minutes", [-16, 16])
def test_date_off_by_more_than_a_quarter_of_an_hour(
    sim: RunningSimulator, client: Client, minutes: int
) -> None:
    reply = _signed(client, LIST, at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert (reply.status, reply.code) == (401, "APIGW.0303")
    near = _signed(client, LIST, at=datetime.now(UTC) + timedelta(minutes=minutes // 16 * 14))
    assert near.status == 200


def test_the_date_is_compared_with_our_clock_not_the_fast_one(sim: RunningSimulator, client: Client) -> None:
    sim.advance(40 * 86_400)
    assert _signed(client, LIST).status == 200
    client.call("POST", "/_sim/clock", {"skew_s": 1200})
    assert _signed(client, LIST).code == "APIGW.0303"


def test_wrong_secret_five_times_locks_the_key(sim: RunningSimulator, client: Client) -> None:
    replies = [_signed(client, LIST, secret="wrong") for _ in range(5)]
    assert {(r.status, r.code) for r in replies} == {(401, "APIGW.0301")}
    assert "verify aksk signature fail" in replies[0].json["error_msg"]
    assert replies[0].json["request_id"] == replies[0].headers["X-Request-Id"]
    locked = _signed(client, LIST)
    assert (locked.status, locked.code) == (401, "APIGW.0301")
    assert "reach the limit" in locked.json["error_msg"]
    sim.advance(301)
    assert _signed(client, LIST).status == 200


def test_missing_signed_header(sim: RunningSimulator, client: Client) -> None:
    reply = _signed(client, LIST, drop="X-Project-Id")
    assert "x-project-id is not in the request" in reply.json["error_msg"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-Auth-Token": ""}, "x-auth-token not found"),
        ({"X-Auth-Token": "MIIFake"}, "decrypt token fail"),
        ({"Authorization": "SDK-HMAC-SHA256 Access=x"}, "authorization header format is wrong"),
        (
            {"Authorization": "SDK-HMAC-SHA256 Access=x, SignedHeaders=host, Signature=00"},
            "ak not exist",
        ),
    ],
)
def test_no_or_unusable_login(
    sim: RunningSimulator, client: Client, headers: dict[str, str], reason: str
) -> None:
    reply = client.call("GET", LIST, headers=headers)
    assert (reply.status, reply.code) == (401, "APIGW.0301")
    assert reason in reply.json["error_msg"]


def test_token_dies_after_a_day(sim: RunningSimulator, client: Client) -> None:
    shown = client.call("GET", "/v3/auth/tokens", headers={"X-Subject-Token": str(client.token)})
    assert shown.status == 200 and shown.json["token"]["user"]["name"] == "svc-reinstall"
    sim.advance(23 * 3600)
    assert client.get(LIST).status == 200
    sim.advance(2 * 3600)
    assert client.get(LIST).code == "APIGW.0301"
    kms = client.call("POST", "/v1.0/{p}/kms/list-keys", {})
    assert (kms.status, kms.code) == (403, "KMS.0303")
    iam = client.call("GET", "/v3/projects")
    assert (iam.status, iam.json["error"]["code"]) == (401, 401)


def test_wrong_password_in_the_shape_of_iam(sim: RunningSimulator, client: Client) -> None:
    client.login["identity"]["password"]["user"]["password"] = "no"
    reply = client.call("POST", "/v3/auth/tokens", {"auth": client.login})
    assert reply.status == 401
    assert reply.json == {
        "error": {"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}
    }
    assert client.call("POST", "/v3/auth/tokens", {"auth": []}).status == 400


def test_token_has_a_catalog_that_leads_back_here(sim: RunningSimulator, client: Client) -> None:
    reply = client.call("POST", "/v3/auth/tokens", {"auth": client.login})
    token = reply.json["token"]
    assert {"identity", "compute", "ecs", "kms", "image", "volumev2"} <= {c["type"] for c in token["catalog"]}
    assert all(e["url"].startswith(sim.base_url) for c in token["catalog"] for e in c["endpoints"])
    assert token["project"]["name"] == "shop-prod"
    small = client.call("POST", "/v3/auth/tokens?nocatalog=true", {"auth": client.login})
    assert small.json["token"]["catalog"] == []


def test_projects_are_kept_apart(sim: RunningSimulator, client: Client) -> None:
    staging = sim.cloud_json("shop-staging")["project_id"]
    other = client.call("GET", f"/v1/{staging}/cloudservers/detail")
    assert (other.status, other.code) == (400, "Ecs.0023")
    unknown = client.call("GET", f"/v1/{'0' * 32}/cloudservers/detail")
    assert (unknown.status, unknown.code) == (403, "Pdp.0001")
    mixed = _signed(client, LIST.replace("{p}", staging))
    assert (mixed.status, mixed.code) == (400, "Common.0018")


def test_projects_by_name_and_the_owner_of_an_access_key(sim: RunningSimulator, client: Client) -> None:
    (found,) = client.get("/v3/projects?name=shop-prod").json["projects"]
    assert found["id"] == client.project_id
    key = sim.cloud_json()["credentials"]["access_key"]
    credential = client.get(f"/v3.0/OS-CREDENTIAL/credentials/{key}").json["credential"]
    assert credential["user_id"] == client.user_id


def test_unknown_address(sim: RunningSimulator, client: Client) -> None:
    reply = client.get("/v9/nothing")
    assert (reply.status, reply.code) == (404, "APIGW.0101")
