"""Requests and answers as the services see them, free of sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `headers` have lower-case names; `target` is what stood in the request line."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer: str

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def base_url(self) -> str:
        return "http://" + self.headers.get("host", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that ends the handling of a request at once."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer, compact, in UTF-8."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, body, {"Content-Type": JSON_TYPE, **(headers or {})})


def ecs_refusal(code: str, message: str | None = None, *details: tuple[str, str]) -> Refusal:
    """`{"error": {"code", "message", "details"}}` with the status and text the tables give the code."""
    status, text = ECS_CODES[code]
    error: dict[str, object] = {"code": code, "message": message or text}
    if details:
        error["details"] = [{"code": c, "message": m} for c, m in details]
    return Refusal(answer({"error": error}, status))


def bad_parameter(message: str, code: str = "Ecs.0005") -> Refusal:
    """Ecs.0005 whose details say which parameter it was."""
    return ecs_refusal("Ecs.0005", None, (code, message))


class GatewayRefusal(Refusal):
    """The shape of the API gateway: `{"error_msg", "error_code", "request_id"}`."""

    def __init__(self, status: int, code: str, message: str, request_id: str = "") -> None:
        self.reason = (status, code, message)
        body = {"error_msg": message, "error_code": code, "request_id": request_id}
        super().__init__(answer(body, status))

    def naming(self, request_id: str) -> GatewayRefusal:
        """The same refusal with the id of the request in it."""
        return GatewayRefusal(*self.reason, request_id)


def kms_refusal(status: int, code: str, message: str) -> Refusal:
    return Refusal(answer({"error": {"error_code": code, "error_msg": message}}, status))


def iam_refusal(status: int, title: str, message: str) -> Refusal:
    return Refusal(answer({"error": {"code": status, "message": message, "title": title}}, status))


def nova_refusal(status: int, kind: str, message: str) -> Refusal:
    return Refusal(answer({kind: {"message": message, "code": status}}, status))


# From the public error code appendices of the ECS API references (OTC, OTC Swiss, Huawei Cloud).
ECS_CODES = {
    "Ecs.0005": (400, "Invalid parameter values. Contact customer service."),
    "Ecs.0011": (400, "Ensure the password meets the password complexity requirements."),
    "Ecs.0021": (400, "Insufficient EVS disk quota. Contact customer service to increase quota."),
    "Ecs.0023": (400, "project_id in token mismatches with project_id in url."),
    "Ecs.0025": (400, "EVS is not authorized to obtain KMS keys for encrypting EVS disks."),
    "Ecs.0030": (400, "The ECS has been frozen and does not support specifications modification."),
    "Ecs.0031": (400, "The image does not exist."),
    "Ecs.0032": (400, "The image is not in Active state."),
    "Ecs.0090": (400, "Image license type is BYOL, the BYOL feature is not supported at this time."),
    "Ecs.0100": (
        400,
        "The ECS status does not meet requirements. Make the ECS in the required status and try again.",
    ),
    "Ecs.0105": (400, "No system disk found. Attach the system disk to the ECS and try again."),
    "Ecs.0114": (404, "The ECS does not exist."),
    "Ecs.0118": (400, "The number of ECSs exceeds the maximum allowed limit."),
    "Ecs.0314": (400, "The key pair does not exist. Refresh the key pair list and check the key pair."),
    "Ecs.0603": (501, "The commands are being executed. Try again later."),
    "Ecs.0605": (400, "ECS locked."),
    "Common.0002": (400, "The request body cannot be left blank."),
    "Common.0011": (400, "Failed to query system tasks."),
    "Common.0018": (400, "The project ID in the URL is different from that in the token."),
    "Pdp.0001": (403, "Policy doesn't allow the action to be performed."),
}
