"""Planted faults: which requests they meet and what they do."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from simulator.jobs import Effects
from simulator.messages import JSON_TYPE, Response
from simulator.scenario import BadInput

# Faults of the job that the request starts; the answer itself is as always.
JOB_FAULTS = ("fail_job", "lose_job", "keep_disk", "change_data_disk", "slow_job")
# Faults of the connection, with whether the request takes effect unless "accept" says otherwise.
WIRE_FAULTS = {
    "answer": False,
    "drop_before_read": False,
    "drop_after_read": False,
    "drop_after_accept": True,
    "close_after_accept": True,
    "hang": False,
    "headers_then_hang": True,
    "drip": True,
    "truncate_body": True,
    "truncate_headers": True,
    "bad_chunk": True,
    "big_body": True,
    "gzip_bomb": True,
    "delay": True,
}
FIXED = ("drop_before_read", "drop_after_read", "drop_after_accept", "close_after_accept")
NUMBERS = {"seconds": 30.0, "mb": 10.0, "factor": 1.0, "start_after_s": 0.0}
TEXTS = ("code", "reason", "body", "body_base64")
KNOWN = {"match", "times", "do", "accept", "status", "headers", "json", *NUMBERS, *TEXTS}


@dataclass
class Fault:
    """One planted fault; `left` counts down, None means for ever."""

    do: str
    method: str | None
    path: str
    server_id: str | None
    left: int | None
    accept: bool
    numbers: dict[str, float]
    texts: dict[str, str]
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    json_body: bytes | None = None
    met: int = 0

    def seconds(self) -> float:
        return self.numbers["seconds"]

    def meets(self, method: str, path: str, body: bytes) -> bool:
        """Is this request one of those the fault is for?"""
        if self.left == 0 or (self.method is not None and self.method != method):
            return False
        if self.do in JOB_FAULTS and not _starts_a_job(method, path):
            return False
        if self.server_id is not None and self.server_id not in path and self.server_id.encode() not in body:
            return False
        return fnmatchcase(path, self.path)

    def effects(self) -> Effects:
        """What the fault does to the job; the default for faults of the connection."""
        return Effects(
            fail_code=self.texts.get("code", "Ecs.0202") if self.do == "fail_job" else None,
            fail_reason=self.texts.get("reason", "create system volume fail")
            if self.do == "fail_job"
            else "",
            lost=self.do == "lose_job",
            keep_disk=self.do == "keep_disk",
            change_data_disk=self.do == "change_data_disk",
            factor=self.numbers["factor"],
            start_after_s=self.numbers["start_after_s"],
        )

    def instead_of(self, real: Response | None) -> Response:
        """The answer of an `answer` fault; what it leaves open is taken from the real answer."""
        body, kind = self._body(), JSON_TYPE
        if body is None:
            body = real.body if real is not None else b""
        status = self.status or (real.status if real is not None else 200)
        return Response(status, body, {"Content-Type": kind, **self.headers} if body else self.headers)

    def _body(self) -> bytes | None:
        if self.json_body is not None:
            return self.json_body
        if "body" in self.texts:
            return self.texts["body"].encode()
        if "body_base64" in self.texts:
            return base64.b64decode(self.texts["body_base64"])
        return None


def _starts_a_job(method: str, path: str) -> bool:
    return method == "POST" and path.endswith(("/reinstallos", "/cloudservers/action"))


def faults_from(data: object) -> list[Fault]:
    """Reads the list that `POST /_sim/faults` takes. Raises BadInput with a sentence."""
    if not isinstance(data, list):
        raise BadInput("faults: a JSON list of objects is wanted")
    return [_fault(item, place) for place, item in enumerate(data)]


def _need(good: bool, place: int, text: str) -> None:
    if not good:
        raise BadInput(f"faults[{place}]: {text}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _fault(item: object, place: int) -> Fault:
    if not isinstance(item, Mapping):
        raise BadInput(f"faults[{place}]: an object is wanted")
    unknown = sorted(set(item) - KNOWN)
    _need(not unknown, place, f"{', '.join(map(str, unknown))} is not known")
    do, match, times = item.get("do"), item.get("match", {}), item.get("times", 1)
    _need(
        do in WIRE_FAULTS or do in JOB_FAULTS,
        place,
        f"do must be one of {', '.join([*WIRE_FAULTS, *JOB_FAULTS])}",
    )
    _need(isinstance(match, Mapping), place, "match must be an object")
    _need(not set(match) - {"method", "path", "server_id"}, place, "match takes method, path and server_id")
    _need(all(isinstance(v, str) for v in match.values()), place, "match values must be texts")
    count = isinstance(times, int) and not isinstance(times, bool) and times > 0
    _need(times is None or count, place, "times must be a whole number above 0, or null for always")
    _check_answer(item, place)
    return _build(item, match, place)


def _check_answer(item: Mapping[str, Any], place: int) -> None:
    status, headers = item.get("status"), item.get("headers", {})
    good = status is None or (isinstance(status, int) and 100 <= status <= 599)
    _need(good, place, "status must be a number from 100 to 599")
    texts = isinstance(headers, Mapping) and all(isinstance(v, str) for v in headers.values())
    _need(texts, place, "headers must be an object of texts")
    _need("accept" not in item or isinstance(item["accept"], bool), place, "accept must be true or false")
    fixed = "accept" in item and item["do"] in FIXED and item["accept"] != WIRE_FAULTS[item["do"]]
    _need(not fixed, place, f"{item['do']} decides about accept by itself")
    for name in NUMBERS:
        _need(name not in item or _is_number(item[name]), place, f"{name} must be a number of 0 or more")
    for name in TEXTS:
        _need(name not in item or isinstance(item[name], str), place, f"{name} must be a text")


def _build(item: Mapping[str, Any], match: Mapping[str, str], place: int) -> Fault:
    do = item["do"]
    texts = {name: item[name] for name in TEXTS if name in item}
    try:
        base64.b64decode(texts.get("body_base64", ""), validate=True)
    except ValueError:
        raise BadInput(f"faults[{place}]: body_base64 is not base64") from None
    method = match.get("method")
    return Fault(
        do=do,
        method=method.upper() if method else None,
        path=match.get("path", "*").replace("…", "*"),
        server_id=match.get("server_id"),
        left=item.get("times", 1),
        accept=item.get("accept", WIRE_FAULTS.get(do, True)),
        numbers={name: float(item.get(name, default)) for name, default in NUMBERS.items()},
        texts=texts,
        status=item.get("status"),
        headers=dict(item.get("headers", {})),
        json_body=json.dumps(item["json"]).encode() if "json" in item else None,
    )


class FaultList:
    """The planted faults, in order; the first that meets a request is used up by it."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def take(self, method: str, path: str, body: bytes | None) -> Fault | None:
        """`body` is None while only the head is known: then only faults that act before the body count."""
        for fault in self.faults:
            if (body is None) != (fault.do == "drop_before_read"):
                continue
            if fault.meets(method, path, body or b""):
                fault.met += 1
                fault.left = None if fault.left is None else fault.left - 1
                return fault
        return None
