"""Clients that nobody here wrote: the official Huawei Cloud SDK and openstacksdk, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import openstack
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkecs.v2 import (
    BatchStartServersOption,
    BatchStartServersRequest,
    BatchStartServersRequestBody,
    EcsClient,
    ListServerBlockDevicesRequest,
    ListServersDetailsRequest,
    NovaListKeypairsRequest,
    ReinstallServerWithCloudInitOption,
    ReinstallServerWithCloudInitRequest,
    ReinstallServerWithCloudInitRequestBody,
    ReinstallSeverMetadata,
    ServerId,
    ShowJobRequest,
    ShowServerRequest,
)
from huaweicloudsdkiam.v3 import IamClient, KeystoneListProjectsRequest
from huaweicloudsdkims.v2 import ImsClient, ListImagesRequest
from huaweicloudsdkkms.v2 import KmsClient, ListKeysRequest, ListKeysRequestBody
from huaweicloudsdkkps.v3 import KpsClient, ListKeypairDetailRequest, ListKeypairsRequest
from openstack.exceptions import SDKException

from simulator.server import RunningSimulator, start_in_thread
from tests.simulator.client import named

# The SDKs warn about themselves; what they warn of is theirs to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Method 'nova_list_keypairs' of EcsClient is deprecated"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningSimulator]:
    sim = start_in_thread(speed=500.0, seed=5)
    yield sim
    sim.stop()


def _build(kind: Any, sim: RunningSimulator, secret: str | None = None) -> Any:
    data = sim.cloud_json()
    login = data["credentials"]
    keys = BasicCredentials(login["access_key"], secret or login["secret_key"], data["project_id"])
    return kind.new_builder().with_credentials(keys).with_endpoint(sim.base_url).build()


@pytest.fixture
def ecs(fast: RunningSimulator) -> Any:
    return _build(EcsClient, fast)


def _user_id(sim: RunningSimulator) -> str:
    with sim.lock:
        return sim.world.user_by_name("svc-reinstall").id


def _until_success(ecs: Any, job_id: str) -> Any:
    end = time.monotonic() + 10
    while True:
        job = ecs.show_job(ShowJobRequest(job_id=job_id))
        if job.status == "SUCCESS":
            return job
        assert job.status in ("INIT", "RUNNING") and time.monotonic() < end, job
        time.sleep(0.02)


def test_huawei_lists_and_shows_servers(fast: RunningSimulator, ecs: Any) -> None:
    first = ecs.list_servers_details(ListServersDetailsRequest(limit=10, offset=1))
    last = ecs.list_servers_details(ListServersDetailsRequest(limit=10, offset=3))
    assert (first.count, len(first.servers), len(last.servers)) == (24, 10, 4)
    server = ecs.show_server(ShowServerRequest(server_id=first.servers[0].id)).server
    assert server.name == first.servers[0].name == "web-prod-01"
    assert server.os_ext_st_svm_state == "active" and server.metadata["os_type"] == "Linux"
    devices = ecs.list_server_block_devices(ListServerBlockDevicesRequest(server_id=server.id))
    boot = [d for d in devices.volume_attachments if d.boot_index == 0]
    attached = server.os_extended_volumesvolumes_attached
    assert [d.volume_id for d in boot] == [v.id for v in attached if v.boot_index == "0"]


def test_huawei_reinstalls_to_success(fast: RunningSimulator, ecs: Any) -> None:
    server = named(fast, "web-prod-02")
    old = server.system_volume
    with fast.lock:
        key = next(k.id for k in fast.world.kms_keys.values() if k.alias == "disk-key-1")
    metadata = ReinstallSeverMetadata(
        byol="true", user_data="IyEvYmluL3NoCg==", system__encrypted="1", system__cmkid=key
    )
    option = ReinstallServerWithCloudInitOption(
        keyname="KeyPair-350b", userid=_user_id(fast), mode="withStopServer", metadata=metadata
    )
    request = ReinstallServerWithCloudInitRequest(
        server_id=server.id, body=ReinstallServerWithCloudInitRequestBody(os_reinstall=option)
    )
    job_id = ecs.reinstall_server_with_cloud_init(request).job_id
    job = _until_success(ecs, job_id)
    assert job.job_type == "reInitOs" and job.end_time > job.begin_time
    assert job.entities.sub_jobs[0].entities.server_id == server.id
    after = ecs.show_server(ShowServerRequest(server_id=server.id)).server
    assert after.key_name == "KeyPair-350b"
    assert after.os_extended_volumesvolumes_attached[0].id not in (old, None)
    accepted = next(a for a in fast.accepted() if a["job_id"] == job_id)
    assert accepted["body"] == {
        "os-reinstall": {
            "keyname": "KeyPair-350b",
            "userid": _user_id(fast),
            "mode": "withStopServer",
            "metadata": {
                "BYOL": "true",
                "user_data": "IyEvYmluL3NoCg==",
                "__system__encrypted": "1",
                "__system__cmkid": key,
            },
        }
    }


def test_huawei_understands_refusals(fast: RunningSimulator, ecs: Any) -> None:
    option = ReinstallServerWithCloudInitOption(keyname="nope", userid="x", mode="withStopServer")
    request = ReinstallServerWithCloudInitRequest(
        server_id=named(fast, "web-prod-01").id,
        body=ReinstallServerWithCloudInitRequestBody(os_reinstall=option),
    )
    with pytest.raises(ClientRequestException) as caught:
        ecs.reinstall_server_with_cloud_init(request)
    assert (caught.value.status_code, caught.value.error_code) == (400, "Ecs.0314")
    assert "the keypair nope does not match the user_id x" in caught.value.error_msg
    assert caught.value.request_id


def test_huawei_hears_of_a_wrong_secret(fast: RunningSimulator) -> None:
    with pytest.raises(ClientRequestException) as caught:
        _build(EcsClient, fast, secret="wrong").list_servers_details(ListServersDetailsRequest())
    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
    _build(EcsClient, fast).list_servers_details(ListServersDetailsRequest(limit=1))


def test_huawei_starts_a_server(fast: RunningSimulator, ecs: Any) -> None:
    server = named(fast, "web-prod-08")
    option = BatchStartServersOption(servers=[ServerId(id=server.id)])
    request = BatchStartServersRequest(body=BatchStartServersRequestBody(os_start=option))
    job = _until_success(ecs, ecs.batch_start_servers(request).job_id)
    assert job.entities.sub_jobs_total == 1
    assert ecs.show_server(ShowServerRequest(server_id=server.id)).server.status == "ACTIVE"


def test_huawei_reads_keys_images_and_projects(fast: RunningSimulator, ecs: Any) -> None:
    wanted = ["KeyPair-350b", "ops-2025", "break-glass"]
    nova = ecs.nova_list_keypairs(NovaListKeypairsRequest()).keypairs
    assert [k.keypair.name for k in nova] == wanted
    kps = _build(KpsClient, fast)
    assert [k.keypair.name for k in kps.list_keypairs(ListKeypairsRequest()).keypairs] == wanted
    detail = kps.list_keypair_detail(ListKeypairDetailRequest(keypair_name="ops-2025")).keypair
    assert detail.user_id == _user_id(fast)
    body = ListKeysRequestBody(limit="100", marker="0", key_state="2")
    keys = _build(KmsClient, fast).list_keys(ListKeysRequest(body=body)).key_details
    assert {k.key_alias for k in keys} == {"evs/default", "disk-key-1"}
    images = _build(ImsClient, fast).list_images(ListImagesRequest()).images
    assert {i.support_fc_inject for i in images} == {None, "true"}
    login = fast.cloud_json()["credentials"]
    with fast.lock:
        domain = fast.world.domain_id
    credentials = GlobalCredentials(login["access_key"], login["secret_key"], domain)
    iam = IamClient.new_builder().with_credentials(credentials).with_endpoint(fast.base_url).build()
    projects = iam.keystone_list_projects(KeystoneListProjectsRequest(name="shop-prod")).projects
    assert [p.id for p in projects] == [fast.cloud_json()["project_id"]]


def _connect(sim: RunningSimulator, password: str | None = None) -> Any:
    login = sim.cloud_json("shop-prod", "password")["credentials"]
    return openstack.connection.Connection(
        auth={
            "auth_url": sim.base_url + "/v3",
            "username": login["user"],
            "password": password or login["password"],
            "user_domain_name": login["domain"],
            "project_name": "shop-prod",
            "project_domain_name": login["domain"],
        },
        region_name="sim-1",
    )


@pytest.fixture
def stack(fast: RunningSimulator) -> Iterator[Any]:
    connection = _connect(fast)
    yield connection
    connection.close()


def test_openstack_lists_servers_and_key_pairs(fast: RunningSimulator, stack: Any) -> None:
    names = {s.name for s in stack.compute.servers()}
    assert {"web-prod-01", "db-prod-04"} <= names and len(names) >= 24
    server = stack.compute.get_server(named(fast, "web-prod-01").id)
    assert server.status == "ACTIVE" and server.flavor["vcpus"] == 2
    assert [k.name for k in stack.compute.keypairs()] == ["KeyPair-350b", "ops-2025", "break-glass"]


def test_openstack_reinstalls_to_success(fast: RunningSimulator, stack: Any) -> None:
    server = named(fast, "app-prod-04")
    project = stack.session.get_project_id()
    base = stack.session.get_endpoint(service_type="ecs", region_name="sim-1")
    assert base == f"{fast.base_url}/v1/{project}"
    body = {"os-reinstall": {"keyname": "ops-2025", "userid": stack.current_user_id}}
    address = f"{base.replace('/v1/', '/v2/')}/cloudservers/{server.id}/reinstallos"
    job_id = stack.session.post(address, json=body).json()["job_id"]
    end = time.monotonic() + 10
    while (job := stack.session.get(f"{base}/jobs/{job_id}").json())["status"] != "SUCCESS":
        assert job["status"] in ("INIT", "RUNNING") and time.monotonic() < end, job
        time.sleep(0.02)
    assert stack.compute.get_server(server.id).key_name == "ops-2025"


def test_openstack_hears_of_a_wrong_password(fast: RunningSimulator) -> None:
    connection = _connect(fast, password="wrong")
    try:
        with pytest.raises(SDKException, match="password is wrong"):
            connection.authorize()
    finally:
        connection.close()
