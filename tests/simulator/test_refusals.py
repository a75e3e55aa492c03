"""What the documents refuse, this cloud refuses, with the code and the status they give."""

import base64
from collections.abc import Callable, Iterator

import pytest

from simulator.server import RunningSimulator, start_in_thread
from tests.simulator.client import Client, named

BIG = base64.b64encode(b"x" * 32_769).decode()
FULL = base64.b64encode(b"x" * 32_768).decode()
Body = Callable[[Client], object]


def _kms(client: Client, alias: str) -> str:
    with client.sim.lock:
        return next(
            k.id
            for k in client.sim.world.kms_keys.values()
            if k.alias == alias and k.project_id == client.project_id
        )


def _ana(client: Client) -> str:
    with client.sim.lock:
        return client.sim.world.user_by_name("ana.weber").id


STOPPED = "app-prod-01"
REFUSED: list[tuple[str, str, Body, int, str, str]] = [
    ("empty body", STOPPED, lambda c: b"", 400, "Common.0002", ""),
    ("malformed JSON", STOPPED, lambda c: b'{"os-reinstall": {', 400, "Ecs.0005", "JSON"),
    ("no root object", STOPPED, lambda c: b'{"keyname": "x"}', 400, "Ecs.0005", "os-reinstall"),
    ("root is a list", STOPPED, lambda c: b"[1]", 400, "Ecs.0005", "os-reinstall"),
    ("root is text", STOPPED, lambda c: b'{"os-reinstall": "x"}', 400, "Ecs.0005", "os-reinstall"),
    ("keyname a number", STOPPED, lambda c: {"keyname": 7, "userid": "u"}, 400, "Ecs.0005", "keyname"),
    ("key without user", STOPPED, lambda c: {"keyname": "KeyPair-350b"}, 400, "Ecs.0005", "userid"),
    ("nothing to log in with", STOPPED, lambda c: {"userid": c.user_id}, 400, "Ecs.0005", "keyname"),
    ("unknown key", STOPPED, lambda c: c.key(keyname="nope"), 400, "Ecs.0314", "keypair nope does not match"),
    ("somebody's key", STOPPED, lambda c: c.key(keyname="ana-laptop"), 400, "Ecs.0314", "does not match"),
    ("another's id", STOPPED, lambda c: c.key(userid=_ana(c)), 400, "Ecs.0314", "does not match the user_id"),
    (
        "another's private key",
        STOPPED,
        lambda c: c.key(keyname="ana-laptop", userid=_ana(c)),
        400,
        "Ecs.0314",
        "does not match the user_id",
    ),
    ("key and password", STOPPED, lambda c: c.key(adminpass="Abcdef12!"), 400, "Ecs.0005", "exclude"),
    ("weak password", STOPPED, lambda c: {"adminpass": "abcdefgh"}, 400, "Ecs.0011", "complexity"),
    ("mode", STOPPED, lambda c: c.key(mode="now"), 400, "Ecs.0005", "mode"),
    ("metadata a list", STOPPED, lambda c: c.key(metadata=[]), 400, "Ecs.0005", "metadata"),
    ("BYOL", STOPPED, lambda c: c.key(metadata={"BYOL": "false"}), 400, "Ecs.0005", "BYOL"),
    ("not base64", STOPPED, lambda c: c.key(metadata={"user_data": "#!/bin/sh"}), 400, "Ecs.0005", "base64"),
    (
        "stray signs",
        STOPPED,
        lambda c: c.key(metadata={"user_data": "aGk=\n aGk"}),
        400,
        "Ecs.0005",
        "base64",
    ),
    ("too long", STOPPED, lambda c: c.key(metadata={"user_data": BIG}), 400, "Ecs.0005", "32768"),
    (
        "encrypted is a bool",
        STOPPED,
        lambda c: c.key(metadata={"__system__encrypted": True}),
        400,
        "Ecs.0005",
        "encrypted",
    ),
    (
        "key without encryption",
        STOPPED,
        lambda c: c.key(metadata={"__system__cmkid": _kms(c, "disk-key-1")}),
        400,
        "Ecs.0005",
        "Ecs.0912",
    ),
    (
        "encryption without key",
        STOPPED,
        lambda c: c.key(metadata={"__system__encrypted": "1"}),
        400,
        "Ecs.0005",
        "Ecs.0912",
    ),
    *[
        (
            f"CMK {alias}",
            STOPPED,
            lambda c, a=alias: c.key(
                metadata={"__system__encrypted": "1", "__system__cmkid": _kms(c, a) if a else "0" * 36}
            ),
            400,
            "Ecs.0005",
            "Ecs.0912",
        )
        for alias in ("disk-key-2023", "disk-key-old", "")
    ],
    ("running", "web-prod-01", lambda c: c.key(), 400, "Ecs.0100", "status"),
    ("locked", "web-prod-03", lambda c: c.key(mode="withStopServer"), 400, "Ecs.0605", "locked"),
    ("image gone", "db-prod-03", lambda c: c.key(mode="withStopServer"), 400, "Ecs.0031", "image"),
    ("no cloud-init", "build-prod-01", lambda c: c.key(mode="withStopServer"), 400, "Ecs.0005", "v1"),
]


@pytest.mark.parametrize(
    ("server", "body", "status", "code", "text"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_and_nothing_happened(
    sim: RunningSimulator, client: Client, server: str, body: Body, status: int, code: str, text: str
) -> None:
    target = named(sim, server)
    before = (target.system_volume, target.status, target.key_name)
    reply = client.reinstall(target.id, body(client))
    assert (reply.status, reply.code) == (status, code), reply.body
    assert text in reply.body.decode()
    sim.advance(3600)
    target = named(sim, server)
    assert (target.system_volume, target.status, target.key_name) == before
    assert sim.accepted() == []


ACCEPTED: list[tuple[str, str, str, Body]] = [
    ("key", "v2", STOPPED, lambda c: c.key()),
    ("password", "v2", STOPPED, lambda c: {"adminpass": "Example-Pass_1"}),
    ("user data only", "v2", STOPPED, lambda c: {"metadata": {"user_data": "aGk="}}),
    ("largest user data", "v2", STOPPED, lambda c: c.key(metadata={"user_data": FULL})),
    ("BYOL", "v2", STOPPED, lambda c: c.key(metadata={"BYOL": "true"})),
    ("mode", "v2", "web-prod-01", lambda c: c.key(mode="withStopServer")),
    ("v1", "v1", "build-prod-01", lambda c: c.key(mode="withStopServer")),
]


@pytest.mark.parametrize(
    ("version", "server", "body"), [r[1:] for r in ACCEPTED], ids=[r[0] for r in ACCEPTED]
)
def test_accepted(sim: RunningSimulator, client: Client, version: str, server: str, body: Body) -> None:
    reply = client.reinstall(named(sim, server).id, body(client), version)
    assert reply.status == 200, reply.body
    assert len(reply.json["job_id"]) == 32 and set(reply.json) == {"job_id"}
    assert [a["job_id"] for a in sim.accepted()] == [reply.json["job_id"]]


def test_unknown_and_foreign_servers_are_not_found(sim: RunningSimulator, client: Client) -> None:
    for server_id in ("0" * 36, named(sim, "app-staging-01").id):
        reply = client.reinstall(server_id, client.key())
        assert (reply.status, reply.code) == (404, "Ecs.0114")


def test_change_os_is_nobodys_right(sim: RunningSimulator, client: Client) -> None:
    path = f"/v2/{{p}}/cloudservers/{named(sim, STOPPED).id}/changeos"
    assert client.call("POST", path, {"os-change": {}}).code == "Pdp.0001"


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningSimulator]:
    scenario = {"profile": "otc", "deny": {"ana.weber": ["ecs:cloudServers:rebuild"]}, "byol": False}
    sim = start_in_thread(speed=0.0, scenario=scenario)
    yield sim
    sim.stop()


def test_strict_profile_wants_a_key_and_a_stopped_server(strict: RunningSimulator) -> None:
    client = Client(strict)
    stopped, running = named(strict, STOPPED).id, named(strict, "web-prod-01").id
    no_key = client.reinstall(stopped, {"userid": client.user_id, "metadata": {"user_data": "aGk="}})
    assert no_key.code == "Ecs.0005" and "keyname" in no_key.body.decode()
    assert client.reinstall(running, client.key(mode="withStopServer")).code == "Ecs.0100"
    assert client.reinstall(stopped, {"adminpass": "Example-Pass_1"}).code == "Ecs.0005"
    assert client.reinstall(stopped, client.key(), "v1").code == "APIGW.0101"
    assert client.reinstall(stopped, client.key(metadata={"BYOL": "true"})).code == "Ecs.0090"
    assert strict.accepted() == []
    assert client.reinstall(stopped, client.key()).status == 200


def test_policy_refuses_a_user_without_the_right(strict: RunningSimulator) -> None:
    ana = Client(strict, user="ana.weber")
    reply = ana.reinstall(named(strict, "web-prod-04").id, ana.key(keyname="ana-laptop"))
    assert (reply.status, reply.code) == (403, "Pdp.0001")
    assert "ecs:cloudServers:rebuild" in reply.body.decode()


def test_disk_quota_and_missing_right_on_kms() -> None:
    sim = start_in_thread(speed=0.0, scenario={"volume_quota": 10, "evs_may_use_kms": False})
    try:
        client = Client(sim)
        server_id = named(sim, STOPPED).id
        metadata = {"__system__encrypted": "1", "__system__cmkid": _kms(client, "disk-key-1")}
        assert client.reinstall(server_id, client.key(metadata=metadata)).code == "Ecs.0025"
        assert client.reinstall(server_id, client.key()).code == "Ecs.0021"
    finally:
        sim.stop()


def test_throttle_speaks_as_the_gateway_does() -> None:
    sim = start_in_thread(speed=0.0, scenario={"throttle": {"job": 3}})
    try:
        client = Client(sim)
        codes = [client.job("0" * 32).code for _ in range(4)]
        assert codes == ["Common.0011"] * 3 + ["APIGW.0308"]
        refused = client.job("0" * 32)
        assert refused.status == 429
        assert "policy user over ratelimit,limit:3,time:1 minute" in refused.json["error_msg"]
        sim.advance(61)
        assert client.job("0" * 32).code == "Common.0011"
    finally:
        sim.stop()


@pytest.mark.parametrize(
    ("version", "fields", "code"),
    [
        ("v1", {"keyname": "KeyPair-350b"}, "Ecs.0005"),
        ("v1", {"adminpass": "Administrator-1"}, "Ecs.0011"),
        ("v2", {"adminpass": "1-rotartsinimdA"}, "Ecs.0011"),
        ("v1", {"adminpass": "Example-Pass_1"}, ""),
        ("v2", {"keyname": "KeyPair-350b"}, ""),
    ],
)
def test_windows_has_rules_of_its_own(
    sim: RunningSimulator, client: Client, version: str, fields: dict[str, str], code: str
) -> None:
    server = named(sim, STOPPED)
    with sim.lock:
        sim.world.servers[server.id].os_type = "Windows"
        sim.world.images[server.image_id].cloud_init = version == "v2"
    asked = fields | ({"userid": client.user_id} if "keyname" in fields else {})
    reply = client.reinstall(server.id, asked, version)
    assert (reply.status == 200, reply.json.get("error", {}).get("code", "")) == (not code, code)
    assert [row["body"] for row in sim.accepted()] == ([] if code else [{"os-reinstall": asked}])


def test_on_linux_the_name_of_the_windows_user_is_a_word_like_others(client: Client) -> None:
    assert client.reinstall(named(client.sim, STOPPED).id, {"adminpass": "Administrator-1"}).status == 200
