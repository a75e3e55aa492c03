"""What exists in the simulated cloud. Plain values only, so that the whole world is one JSON document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass
class Project:
    id: str
    name: str


@dataclass
class User:
    id: str
    name: str
    password: str
    access_key: str
    secret_key: str
    project_ids: list[str]
    denied: list[str] = field(default_factory=list)  # actions such as ecs:cloudServers:rebuild


@dataclass
class Token:
    value: str
    user_id: str
    project_id: str | None
    issued_at: float
    expires_at: float


@dataclass
class Image:
    id: str
    name: str
    kind: str  # gold | private
    owner: str  # a project id, or "" for the cloud's own
    os_type: str
    platform: str
    os_version: str
    min_disk: int
    cloud_init: bool
    created_at: float
    status: str = "active"


@dataclass
class KeyPair:
    name: str
    user_id: str
    number: int
    public_key: str
    fingerprint: str
    created_at: float


@dataclass
class KmsKey:
    id: str
    project_id: str
    alias: str
    state: str  # "1".."5" as KMS counts
    is_default: bool
    created_at: float
    deletion_at: float | None = None


@dataclass
class Volume:
    id: str
    project_id: str
    name: str
    size: int
    kind: str
    zone: str
    status: str
    created_at: float
    attached: dict[str, str] = field(default_factory=dict)  # server id -> device
    bootable: bool = False
    shared: bool = False
    cmk_id: str | None = None
    image_id: str | None = None


@dataclass
class Snapshot:
    id: str
    project_id: str
    volume_id: str
    name: str
    size: int
    created_at: float


@dataclass
class Address:
    value: str
    kind: str  # fixed | floating
    mac: str
    port_id: str


@dataclass
class Server:
    """One server. Any assignment throws the cached rendering away, so direct changes are seen."""

    #: Grows with every assignment to any server: lists of thousands are made anew only then.
    changes: ClassVar[int] = 0

    id: str
    project_id: str
    name: str
    status: str
    vm_state: str
    power_state: int
    image_id: str
    image_name: str
    image_kind: str
    os_type: str
    flavor: str
    zone: str
    user_id: str
    created_at: float
    updated_at: float
    launched_at: float
    vpc_id: str
    task_state: str | None = None
    key_name: str | None = None
    locked: bool = False
    frozen: bool = False
    tags: list[str] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    system_volume: str | None = None
    data_volumes: list[str] = field(default_factory=list)
    description: str = ""
    fault: dict[str, Any] | None = None
    temporary: bool = False
    busy_job: str | None = None
    rendered: bytes | None = None

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__[name] = value
        if name != "rendered":
            self.__dict__["rendered"] = None
            Server.changes += 1


@dataclass
class Step:
    at: float
    name: str


@dataclass
class Job:
    """One asynchronous task. `steps` are those still to come; a sub-job belongs to each server."""

    id: str
    project_id: str
    user_id: str
    kind: str
    server_ids: list[str]
    begin: float
    request_id: str
    steps: list[Step]
    status: str = "INIT"
    end: float | None = None
    sub_begin: float | None = None
    error_code: str | None = None
    error_text: str | None = None
    lost: bool = False
    keep_disk: bool = False
    change_data_disk: bool = False
    fail_code: str | None = None
    fail_reason: str = ""
    key_name: str | None = None
    cmk_id: str | None = None
    trace_name: str = ""
    old_volume: str | None = None
    new_volume: str | None = None
    temporary_server: str | None = None


@dataclass
class Trace:
    """One record of the audit service; visible from `record_at` on."""

    id: str
    project_id: str
    name: str
    server_id: str
    server_name: str
    user_id: str
    source_ip: str
    request: str
    response: str
    code: str
    rating: str
    request_id: str
    at: float
    record_at: float


@dataclass
class InstanceAction:
    server_id: str
    action: str
    user_id: str
    project_id: str
    request_id: str
    at: float


@dataclass
class Accepted:
    """A reinstall that the cloud took on, with the bytes that asked for it."""

    n: int
    at: str
    project_id: str
    server_id: str
    job_id: str
    user_id: str
    body: dict[str, Any]
    user_data_base64: str | None
    body_sha256: str
    body_raw: str
    x_sdk_date: str | None
