"""Every published example payload through the readers, field by field, over a local server."""

import copy
import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from ecsclient.errors import BadAnswer, Forbidden, NotFound, Refused, Unclear
from ecsclient.images import ImageRecord, get_image
from ecsclient.keypairs import KeyPairRecord, get_keypair, list_keypairs
from ecsclient.kms import KmsKeyRecord, list_keys
from ecsclient.servers import (
    Address,
    AttachedVolume,
    BlockDevice,
    ServerRecord,
    block_devices,
    get_server,
    list_servers,
    parse_server,
    stop_server,
)
from ecsclient.volumes import VolumeRecord, list_volumes
from tests.ecsclient.documents import EXAMPLES
from tests.ecsclient.scriptedcloud import PROJECT, Reply, ScriptedCloud

WEB = "11111111-2222-4333-8444-555555555555"
ROOT, DATA = "99999999-0000-4111-8222-333333333333", "99999999-0000-4111-8222-444444444444"
IMAGE = "77777777-1111-4222-8333-444444444444"
USER = "aaaabbbbccccddddeeeeffff00001111"
FINGERPRINT = "49:ef:73:2b:9b:7f:2e:0c:58:d3:e3:42:8e:28:04:3b"
DETAIL = f"/v1/{PROJECT}/cloudservers/detail"
WEB_RECORD = ServerRecord(
    id=WEB,
    name="web-01",
    status="ACTIVE",
    task_state="",
    vm_state="active",
    power_state=1,
    key_name="KeyPair-350b",
    user_id=USER,
    image_id=IMAGE,
    image_name="Standard_Ubuntu_24.04_latest",
    image_type="gold",
    flavor_id="s3.large.2",
    flavor_name="s3.large.2",
    vcpus=2,
    ram_mb=4096,
    locked=False,
    tags=("env=prod", "team=ops"),
    addresses=(Address("192.168.0.11", "fixed", 4, "fa:16:3e:00:00:01"),),
    zone="eu-de-01",
    created=datetime(2025, 11, 5, 6, 7, 8, tzinfo=UTC),
    updated=datetime(2026, 1, 2, 3, 5, 50, tzinfo=UTC),
    launched_at=datetime(2026, 1, 2, 3, 5, 49, 123456, tzinfo=UTC),
    os_type="Linux",
    charging_mode="0",
    enterprise_project_id="0",
    volumes=(AttachedVolume(ROOT, "/dev/vda", 0), AttachedVolume(DATA, "/dev/vdb", None)),
    metadata=EXAMPLES["show_server"].payload["server"]["metadata"],
    fault="",
    description="",
)


def web(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(EXAMPLES["show_server"].payload["server"]), **changes}


def test_one_server(cloud: ScriptedCloud) -> None:
    cloud.example("show_server")
    assert get_server(cloud.session(), WEB) == WEB_RECORD
    assert WEB_RECORD.system_volume_id == ROOT


def test_the_list_of_servers(cloud: ScriptedCloud) -> None:
    cloud.example("list_servers")
    records = list(list_servers(cloud.session()))
    assert records[0] == WEB_RECORD
    shown = EXAMPLES["list_servers"].payload["servers"][1]
    assert (records[1].id, records[1].name, records[1].status) == (
        shown["id"],
        shown["name"],
        shown["status"],
    )
    assert records[1].key_name == (shown.get("key_name") or None)
    assert cloud.asked[0].query == {"offset": "1", "limit": "200", "not-tags": "__type_baremetal"}
    assert len(cloud.asked) == 1


def test_a_server_while_it_is_rebuilt(cloud: ScriptedCloud) -> None:
    cloud.example("list_servers_rebuilding")
    (record,) = list_servers(cloud.session())
    assert record == dataclasses.replace(WEB_RECORD, status="REBUILD", task_state="rebuilding")


def test_ids_nobody_knows_are_no_servers(cloud: ScriptedCloud) -> None:
    cloud.example("list_servers_by_ids_missing")
    assert [record.id for record in list_servers(cloud.session())] == [WEB]


def test_a_server_that_does_not_exist(cloud: ScriptedCloud) -> None:
    cloud.example("show_server_404")
    with pytest.raises(NotFound) as caught:
        get_server(cloud.session(), "66666666-7777-4888-9999-aaaaaaaaaaaa")
    assert caught.value.code == "Ecs.0114"


def test_an_unpublished_path_does_not_make_a_server_disappear(cloud: ScriptedCloud) -> None:
    cloud.on(
        f"/v1/{PROJECT}/cloudservers/{WEB}", Reply(404, {"error_code": "APIGW.0101", "error_msg": "no API"})
    )
    with pytest.raises(Refused) as caught:
        get_server(cloud.session(), WEB)
    assert not isinstance(caught.value, NotFound)


def test_another_server_than_asked_for_is_a_bad_answer(cloud: ScriptedCloud) -> None:
    other = "66666666-7777-4888-9999-aaaaaaaaaaaa"
    cloud.example("show_server", f"/v1/{PROJECT}/cloudservers/{other}")
    with pytest.raises(BadAnswer, match="described"):
        get_server(cloud.session(), other)


def test_a_server_of_which_little_is_known() -> None:
    record = parse_server({"id": "i-1", "name": None, "addresses": None, "metadata": {}, "image": ""})
    assert (record.id, record.name, record.key_name, record.image_id) == ("i-1", "", None, "")
    assert (record.volumes, record.created, record.power_state) == ((), None, None)
    assert record.system_volume_id is None


def test_addresses_fault_and_key_in_their_other_forms() -> None:
    floating = {"addr": "2001:db8::1", "version": 6, "OS-EXT-IPS:type": "floating"}
    record = parse_server(
        web(
            addresses={"a": [floating], "b": []},
            fault={"message": "No valid\x00 host", "code": 500},
            key_name="",
        )
    )
    assert record.addresses == (Address("2001:db8::1", "floating", 6, ""),)
    assert (record.fault, record.key_name) == ("No valid host", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "../admin"),
        ("id", 7),
        ("id", None),
        ("name", 7),
        ("status", True),
        ("locked", "no"),
        ("locked", 1),
        ("created", "yesterday"),
        ("updated", 1700000000),
        ("addresses", []),
        ("addresses", {"a": ["x"]}),
        ("flavor", "s3"),
        ("tags", "env=prod"),
        ("tags", [1]),
        ("OS-EXT-STS:power_state", "on"),
        ("OS-EXT-STS:power_state", True),
        ("os-extended-volumes:volumes_attached", [{"id": "a/b"}]),
        ("os-extended-volumes:volumes_attached", [{"id": "a", "bootIndex": 0.5}]),
    ],
)
def test_a_field_of_another_type_is_named(field: str, value: object) -> None:
    with pytest.raises(BadAnswer, match="field '"):
        parse_server(web(**{field: value}))


@pytest.mark.parametrize("name", ["", "..", "a/b", "a?b", "a b", "x" * 65, "é"])
def test_an_id_is_checked_before_it_becomes_a_path(cloud: ScriptedCloud, name: str) -> None:
    session = cloud.session()
    for call in (get_server, block_devices, stop_server, get_image):
        with pytest.raises(ValueError, match="_id should be"):
            call(session, name)
    assert cloud.asked == []


def test_disks_of_a_server(cloud: ScriptedCloud) -> None:
    cloud.example("block_devices")
    assert block_devices(cloud.session(), WEB) == (
        BlockDevice(ROOT, "/dev/vda", 40, 0, "virtio"),
        BlockDevice(DATA, "/dev/vdb", 100, -1, "virtio"),
    )


def test_a_size_may_be_a_string(cloud: ScriptedCloud) -> None:
    payload = copy.deepcopy(EXAMPLES["block_devices"].payload)
    payload["volumeAttachments"][0]["size"] = "40"
    cloud.on(EXAMPLES["block_devices"].path, Reply(200, payload))
    assert block_devices(cloud.session(), WEB)[0].size_gb == 40


def test_stopping(cloud: ScriptedCloud) -> None:
    cloud.example("batch_stop")
    assert stop_server(cloud.session(), WEB) == "ff80808288d41e1b018990260955686a"
    assert (cloud.asked[0].method, cloud.asked[0].path) == ("POST", f"/v1/{PROJECT}/cloudservers/action")
    assert cloud.asked[0].body == b'{"os-stop": {"type": "SOFT", "servers": [{"id": "%s"}]}}' % WEB.encode()


def test_stopping_refused_tells_the_innermost_reason(cloud: ScriptedCloud) -> None:
    cloud.example("batch_error")
    with pytest.raises(Refused) as caught:
        stop_server(cloud.session(), WEB)
    assert (caught.value.code, caught.value.message) == ("Ecs.0605", "ECS locked.")


def test_stopping_without_a_job_is_unclear(cloud: ScriptedCloud) -> None:
    cloud.on(f"/v1/{PROJECT}/cloudservers/action", Reply(200, {}))
    with pytest.raises(Unclear):
        stop_server(cloud.session(), WEB)


def test_disks_of_the_project(cloud: ScriptedCloud) -> None:
    cloud.example("evs_volumes_detail")
    assert list(list_volumes(cloud.session(), server_id=WEB)) == [
        VolumeRecord(
            id=ROOT,
            name="web-01-volume-0000",
            size_gb=40,
            status="in-use",
            volume_type="SSD",
            bootable=True,
            shareable=False,
            encrypted=True,
            cmkid="83cdb52d-9ebf-4469-9cfa-e7b5b80da846",
            attached_to=(WEB,),
            zone="eu-de-01",
            created=None,
            snapshot_id="",
            image_id=IMAGE,
        )
    ]
    assert cloud.asked[0].query == {"limit": "500", "server_id": WEB, "offset": "0"}


def test_key_pairs_with_their_owner(cloud: ScriptedCloud) -> None:
    cloud.example("nova_keypairs")
    cloud.example("nova_keypair")
    made = datetime(2025, 5, 7, 12, 6, 13, 681238, tzinfo=UTC)
    assert list(list_keypairs(cloud.session())) == [
        KeyPairRecord("KeyPair-350b", FINGERPRINT, USER, "ssh", made)
    ]


def test_key_pairs_without_name_or_deleted_meanwhile_are_left_out(cloud: ScriptedCloud) -> None:
    base = f"/v2.1/{PROJECT}/os-keypairs"
    entries = [{"keypair": {"name": name}} for name in (None, "gone", "..", "a b/ä")] + [{"keypair": None}]
    cloud.on(base, Reply(200, {"keypairs": entries}))
    cloud.on(f"{base}/gone", Reply(404, EXAMPLES["err_nova_404"].payload))
    cloud.on(f"{base}/a%20b%2F%C3%A4", Reply(200, {"keypair": {"name": "a b/ä", "user_id": None}}))
    assert list(list_keypairs(cloud.session())) == [KeyPairRecord("a b/ä", "", None, "", None)]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_key_pair_name_cannot_climb_the_path(cloud: ScriptedCloud, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        get_keypair(cloud.session(), name)
    assert cloud.asked == []


def test_another_key_pair_than_asked_for_is_a_bad_answer(cloud: ScriptedCloud) -> None:
    cloud.example("nova_keypair", f"/v2.1/{PROJECT}/os-keypairs/other")
    with pytest.raises(BadAnswer):
        get_keypair(cloud.session(), "other")


def test_kms_keys(cloud: ScriptedCloud) -> None:
    cloud.example("kms_list_keys")
    (key,) = list_keys(cloud.session())
    assert key == KmsKeyRecord("83cdb52d-9ebf-4469-9cfa-e7b5b80da846", "disk-key-1", 2, False)
    assert key.usable


def test_kms_without_rights(cloud: ScriptedCloud) -> None:
    cloud.on(
        EXAMPLES["kms_list_keys"].path,
        Reply(403, {"error": {"error_code": "KMS.0306", "error_msg": "No access permissions."}}),
    )
    with pytest.raises(Forbidden, match="No access"):
        list(list_keys(cloud.session()))


def test_images(cloud: ScriptedCloud) -> None:
    cloud.example("images_by_id")
    record = ImageRecord(
        id=IMAGE,
        name="Standard_Ubuntu_24.04_latest",
        status="active",
        image_type="gold",
        supports_cloud_init=True,
        os_type="Linux",
        platform="Ubuntu",
        min_disk_gb=40,
        visibility="public",
        owner=PROJECT,
    )
    assert get_image(cloud.session(), IMAGE) == record
    assert cloud.asked[0].query == {"id": IMAGE}


def test_an_image_whose_attribute_says_no(cloud: ScriptedCloud) -> None:
    cloud.example("images_no_cloudinit")
    image = get_image(cloud.session(), IMAGE)
    assert image is not None and (image.supports_cloud_init, image.image_type) == (False, "private")


def test_an_image_that_is_gone(cloud: ScriptedCloud) -> None:
    cloud.example("images_missing")
    assert get_image(cloud.session(), "00000000-0000-4000-8000-000000000000") is None


@pytest.mark.parametrize(
    ("path", "call"),
    [
        (DETAIL, lambda s: list(list_servers(s))),
        (f"/v1/{PROJECT}/cloudservers/{WEB}", lambda s: get_server(s, WEB)),
        (f"/v1/{PROJECT}/cloudservers/{WEB}/block_device", lambda s: block_devices(s, WEB)),
        (f"/v2/{PROJECT}/cloudvolumes/detail", lambda s: list(list_volumes(s))),
        (f"/v2.1/{PROJECT}/os-keypairs", lambda s: list(list_keypairs(s))),
        (f"/v1.0/{PROJECT}/kms/list-keys", lambda s: list(list_keys(s))),
        ("/v2/cloudimages", lambda s: get_image(s, IMAGE)),
    ],
)
def test_an_object_without_the_expected_field_is_not_an_empty_list(
    cloud: ScriptedCloud, path: str, call: Any
) -> None:
    cloud.on(path, Reply(200, {"something": "else"}))
    with pytest.raises(BadAnswer):
        call(cloud.session())
