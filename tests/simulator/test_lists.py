"""Reading the cloud: pages, filters, and one world seen alike by every service."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.server import RunningSimulator
from tests.simulator.client import Client, named

DETAIL = "/v1/{p}/cloudservers/detail"


def _names(reply_json: Any) -> list[str]:
    return [s["name"] for s in reply_json["servers"]]


def test_offset_is_a_page_number(sim: RunningSimulator, client: Client) -> None:
    everything = client.get(DETAIL, limit="1000").json
    assert everything["count"] == 24 == len(everything["servers"])
    pages = [client.get(DETAIL, limit="10", offset=str(n)).json for n in (0, 1, 2, 3, 4)]
    assert pages[0] == pages[1]
    assert [len(p["servers"]) for p in pages] == [10, 10, 10, 4, 0]
    assert {p["count"] for p in pages} == {24}
    assert sum((_names(p) for p in pages[1:]), []) == _names(everything)


@pytest.mark.parametrize("query", ["limit=1001", "limit=-1", "limit=x", "offset=1.5", "limit=٣"])
def test_bad_page_numbers(sim: RunningSimulator, client: Client, query: str) -> None:
    name, value = query.split("=")
    reply = client.get(DETAIL, **{name: value})
    assert (reply.status, reply.code) == (400, "Ecs.0005")


def test_filters(sim: RunningSimulator, client: Client) -> None:
    assert set(_names(client.get(DETAIL, name="db-prod").json)) == {f"db-prod-0{n}" for n in (1, 2, 3, 4)}
    assert _names(client.get(DETAIL, name="b.prod.01").json) == ["web-prod-01", "db-prod-01"]
    assert _names(client.get(DETAIL, name="[").json) == []
    stopped = client.get(DETAIL, status="SHUTOFF").json["servers"]
    assert len(stopped) == 4 and {s["status"] for s in stopped} == {"SHUTOFF"}
    assert len(client.get(DETAIL, tags="role=db").json["servers"]) == 4
    assert client.get(DETAIL, not_tags="role=db").json["count"] == 20
    assert client.get(DETAIL, not_tags="__type_baremetal").json["count"] == 24
    address = named(sim, "web-prod-01").addresses[0].value
    assert _names(client.get(DETAIL, ip=address).json)[0] == "web-prod-01"


def test_status_brings_what_is_on_its_way(sim: RunningSimulator, client: Client) -> None:
    server = named(sim, "app-prod-01")
    client.reinstall(server.id, client.key())
    sim.advance(20)
    rows = client.get(DETAIL, status="ACTIVE", limit="100").json["servers"]
    assert [s["status"] for s in rows if s["id"] == server.id] == ["REBUILD"]


def test_lists_never_show_yesterdays_server(sim: RunningSimulator, client: Client) -> None:
    """Lists are kept as bytes between changes: any change must be seen by the next one."""
    server = named(sim, "app-prod-01")
    assert client.get(DETAIL, name=server.name).json["servers"][0]["status"] == "SHUTOFF"
    client.reinstall(server.id, client.key())
    sim.advance(1200)
    assert client.get(DETAIL, name=server.name).json["servers"][0] == client.server(server.id)
    with sim.lock:
        server.locked = True
    assert client.get(DETAIL, name=server.name).json["servers"][0]["locked"] is True


def test_by_ids_names_the_missing(sim: RunningSimulator, client: Client) -> None:
    one, missing = named(sim, "web-prod-01").id, "6" * 36
    reply = client.call("GET", f"{DETAIL}?server_id={one},{missing}&name=ignored").json
    assert reply["count"] == 2 and reply["servers"][0]["name"] == "web-prod-01"
    assert set(reply["servers"][1]) == {"id", "fault"}
    many = ",".join(["x"] * 101)
    assert client.call("GET", f"{DETAIL}?server_id={many}").code == "Ecs.0005"


def test_one_server_is_the_same_everywhere(sim: RunningSimulator, client: Client) -> None:
    server = client.server(named(sim, "db-prod-01").id)
    listed = client.get(DETAIL, name="db-prod-01").json["servers"][0]
    assert listed == server
    devices = client.get(f"/v1/{{p}}/cloudservers/{server['id']}/block_device").json["volumeAttachments"]
    attached = {v["id"]: v["device"] for v in server["os-extended-volumes:volumes_attached"]}
    assert {d["volumeId"]: d["device"] for d in devices} == attached
    assert [d["bootIndex"] for d in devices] == [0, -1, -1, -1]
    volumes = client.get(f"/v2/{{p}}/cloudvolumes/detail?server_id={server['id']}").json["volumes"]
    assert {v["id"] for v in volumes} == set(attached)
    assert {d["volumeId"]: d["size"] for d in devices} == {v["id"]: v["size"] for v in volumes}
    nova = client.get(f"/v2.1/{{p}}/servers/{server['id']}").json["server"]
    assert [v["id"] for v in nova["os-extended-volumes:volumes_attached"]] == list(attached)
    assert nova["metadata"] == server["metadata"] and nova["status"] == server["status"]
    boot = [v["bootIndex"] for v in server["os-extended-volumes:volumes_attached"]]
    assert boot == ["0", None, None, None]
    assert server["OS-SRV-USG:launched_at"][-1] != "Z" and server["created"][-1] == "Z"


def test_shared_disk_is_seen_on_both_servers(sim: RunningSimulator, client: Client) -> None:
    volumes = client.get("/v2/{p}/cloudvolumes/detail").json["volumes"]
    (shared,) = [v for v in volumes if v["multiattach"]]
    both = {a["server_id"] for a in shared["attachments"]}
    assert both == {named(sim, "db-prod-01").id, named(sim, "db-prod-02").id}


def test_key_pairs_are_seen_by_their_owner_only(sim: RunningSimulator, client: Client) -> None:
    for path in ("/v2.1/{p}/os-keypairs", "/v3/{p}/keypairs"):
        pairs = client.get(path).json["keypairs"]
        assert [p["keypair"]["name"] for p in pairs] == ["KeyPair-350b", "ops-2025", "break-glass"]
        assert client.get(path + "/KeyPair-350b").json["keypair"]["user_id"] == client.user_id
        assert client.get(path + "/ana-laptop").status == 404
    page = client.get("/v3/{p}/keypairs?limit=2").json
    assert page["page_info"]["next_marker"] == "ops-2025"
    rest = client.get("/v3/{p}/keypairs?limit=2&marker=ops-2025").json
    assert [p["keypair"]["name"] for p in rest["keypairs"]] == ["break-glass"]


def test_kms_keys_in_strings(sim: RunningSimulator, client: Client) -> None:
    reply = client.call("POST", "/v1.0/{p}/kms/list-keys", {"limit": "3", "marker": "0"}).json
    assert (len(reply["keys"]), reply["truncated"], reply["next_marker"]) == (3, "true", "3")
    assert all(isinstance(v, str) for k in reply["key_details"] for v in k.values())
    usable = client.call("POST", "/v1.0/{p}/kms/list-keys", {"key_state": "2"}).json
    assert {k["key_alias"] for k in usable["key_details"]} == {"evs/default", "disk-key-1"}
    one = client.call("POST", "/v1.0/{p}/kms/describe-key", {"key_id": usable["keys"][1]}).json
    assert one["key_info"]["key_alias"] == "disk-key-1"
    for key_id, code in (("x", "KMS.0205"), ("0" * 36, "KMS.0207")):
        assert client.call("POST", "/v1.0/{p}/kms/describe-key", {"key_id": key_id}).code == code


def test_images(sim: RunningSimulator, client: Client) -> None:
    images = client.get("/v2/cloudimages").json["images"]
    assert [i["name"] for i in images if "__support_fc_inject" in i] == ["shop-centos-6-legacy"]
    assert {i["owner"] for i in images if i["__imagetype"] == "private"} == {client.project_id}
    gone = named(sim, "db-prod-03").image_id
    assert client.get("/v2/cloudimages?id=" + gone).json == {"images": []}
    private = client.get("/v2/cloudimages?__imagetype=private").json["images"]
    assert len(private) == 3
    rest = client.get(f"/v2/cloudimages?limit=2&marker={images[0]['id']}").json["images"]
    assert [i["id"] for i in rest] == [images[1]["id"], images[2]["id"]]


def test_nova_pages_follow_their_link(sim: RunningSimulator, client: Client) -> None:
    names, path = [], "/v2.1/{p}/servers/detail?limit=10"
    while path:
        reply = client.call("GET", path).json
        names += _names(reply)
        links = reply.get("servers_links")
        parts = urlsplit(links[0]["href"]) if links else None
        path = f"{parts.path}?{parts.query}" if parts else ""
    assert len(names) == len(set(names)) == 24


def test_limits_count_what_there_is(sim: RunningSimulator, client: Client) -> None:
    absolute = client.get("/v1/{p}/cloudservers/limits").json["absolute"]
    assert absolute["totalInstancesUsed"] == 24 and absolute["totalCoresUsed"] > 24


def test_answers_carry_request_id_and_date(sim: RunningSimulator, client: Client) -> None:
    headers = client.get(DETAIL).headers
    assert len(headers["x-request-id"]) == 32 and headers["date"].endswith("GMT")
    assert headers["content-type"] == "application/json"
