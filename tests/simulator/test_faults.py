"""Planted faults as they look from a plain socket, and whether the reinstall took effect all the same."""

import gzip
import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import Any

import pytest

from simulator.server import RunningSimulator
from tests.simulator.client import Client, named, wait_until


@dataclass
class Exchange:
    """What came back, and how it ended: `closed`, `reset` or `silence`."""

    data: bytes
    ending: str
    seconds: float

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def _post(client: Client, server_id: str, patience: float = 3.0, *, send_body: bool = True) -> Exchange:
    """A reinstall over a socket of our own."""
    sim, body = client.sim, json.dumps({"os-reinstall": client.key()}).encode()
    head = (
        f"POST /v2/{client.project_id}/cloudservers/{server_id}/reinstallos HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{sim.port}\r\nX-Auth-Token: {client.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    start, data, ending = time.monotonic(), b"", "closed"
    with socket.create_connection((sim.host, sim.port), timeout=patience) as sock:
        sock.sendall(head + (body if send_body else b""))
        try:
            while part := sock.recv(65_536):
                data += part
        except ConnectionResetError:
            ending = "reset"
        except TimeoutError:
            ending = "silence"
    return Exchange(data, ending, time.monotonic() - start)


def _last(sim: RunningSimulator) -> Any:
    return sim.ledger()["requests"][-1]


@pytest.mark.parametrize(
    ("do", "ending", "accepted"),
    [
        ("drop_after_read", "reset", 0),
        ("drop_after_accept", "reset", 1),
        ("close_after_accept", "closed", 1),
    ],
)
def test_no_answer_at_all(sim: RunningSimulator, client: Client, do: str, ending: str, accepted: int) -> None:
    server_id = named(sim, "app-prod-01").id
    sim.faults([{"match": {"method": "POST", "path": "…/reinstallos"}, "do": do}])
    exchange = _post(client, server_id)
    assert (exchange.data, exchange.ending) == (b"", ending)
    assert len(sim.accepted()) == accepted
    assert (_last(sim)["fault"], _last(sim)["status"]) == (do, None)
    if not accepted:
        assert client.reinstall(server_id, client.key()).status == 200


def test_reset_before_the_body_was_read(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "drop_before_read"}])
    exchange = _post(client, named(sim, "app-prod-01").id, send_body=False)
    assert (exchange.data, exchange.ending) == (b"", "reset")
    assert _last(sim)["fault"] == "drop_before_read" and sim.accepted() == []


@pytest.mark.parametrize("accept", [False, True])
def test_hang(sim: RunningSimulator, client: Client, accept: bool) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "hang", "seconds": 0.3, "accept": accept}])
    exchange = _post(client, named(sim, "app-prod-01").id)
    assert (exchange.data, exchange.ending) == (b"", "closed")
    assert 0.25 < exchange.seconds < 2
    assert len(sim.accepted()) == accept


def test_hang_outlasts_an_impatient_client(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "hang", "seconds": 30}])
    assert _post(client, named(sim, "app-prod-01").id, patience=0.3).ending == "silence"


def test_headers_then_hang(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "headers_then_hang", "seconds": 30}])
    exchange = _post(client, named(sim, "app-prod-01").id, patience=0.3)
    assert exchange.head.startswith(b"HTTP/1.1 200 OK") and exchange.body == b""
    assert exchange.ending == "silence" and len(sim.accepted()) == 1


def test_drip(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "drip", "seconds": 0.5}])
    exchange = _post(client, named(sim, "app-prod-01").id)
    assert json.loads(exchange.body)["job_id"] == sim.accepted()[0]["job_id"]
    assert exchange.seconds > 0.45


def test_truncated_body(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "truncate_body"}])
    exchange = _post(client, named(sim, "app-prod-01").id)
    promised = int(exchange.head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    assert 0 < len(exchange.body) < promised and exchange.ending == "closed"
    assert len(sim.accepted()) == 1


def test_truncated_headers(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "truncate_headers"}])
    exchange = _post(client, named(sim, "app-prod-01").id)
    assert exchange.data.startswith(b"HTTP/1.1 200") and b"\r\n\r\n" not in exchange.data


def test_bad_chunk(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "bad_chunk"}])
    connection = http.client.HTTPConnection(sim.host, sim.port, timeout=3)
    path = f"/v2/{client.project_id}/cloudservers/{named(sim, 'app-prod-01').id}/reinstallos"
    body = json.dumps({"os-reinstall": client.key()})
    connection.request("POST", path, body, {"X-Auth-Token": str(client.token)})
    with pytest.raises(http.client.HTTPException):
        connection.getresponse().read()
    connection.close()
    assert len(sim.accepted()) == 1


def test_big_body_and_gzip_bomb(sim: RunningSimulator, client: Client) -> None:
    sim.faults(
        [
            {"match": {"path": "*/reinstallos"}, "do": "big_body", "mb": 2},
            {"match": {"path": "*/reinstallos"}, "do": "gzip_bomb", "mb": 3},
        ]
    )
    first = client.reinstall(named(sim, "app-prod-01").id, client.key())
    assert len(first.body) > 2 * 1024 * 1024 and len(first.json["job_id"]) == 32
    second = client.reinstall(named(sim, "web-prod-04").id, client.key())
    assert second.headers["content-encoding"] == "gzip" and len(second.body) < 100_000
    assert len(gzip.decompress(second.body)) > 3 * 1024 * 1024


@pytest.mark.parametrize("accept", [False, True])
def test_answer_in_place_of_the_real_one(sim: RunningSimulator, client: Client, accept: bool) -> None:
    error = {"error": {"code": "Ecs.1002", "message": "A system exception occurred."}}
    sim.faults(
        [
            {
                "match": {"method": "POST", "path": "*/reinstallos"},
                "do": "answer",
                "status": 400,
                "headers": {"Retry-After": "7"},
                "json": error,
                "accept": accept,
            }
        ]
    )
    reply = client.reinstall(named(sim, "app-prod-01").id, client.key())
    assert (reply.status, reply.json, reply.headers["retry-after"]) == (400, error, "7")
    assert len(sim.accepted()) == accept
    assert _last(sim)["status"] == 400


def test_answer_keeps_what_it_does_not_name(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "answer", "status": 202, "accept": True}])
    reply = client.reinstall(named(sim, "app-prod-01").id, client.key())
    assert (reply.status, reply.json["job_id"]) == (202, sim.accepted()[0]["job_id"])
    html = {"Content-Type": "text/html", "Location": "http://127.0.0.2/"}
    sim.faults([{"do": "answer", "status": 302, "headers": html, "body": "\ufeff<html>hotel</html>"}])
    other = client.get("/v1/{p}/cloudservers/detail")
    assert (other.status, other.headers["content-type"], other.headers["location"]) == (
        302,
        "text/html",
        "http://127.0.0.2/",
    )
    assert other.body.decode() == "\ufeff<html>hotel</html>"


def test_answer_204_has_no_body(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/reinstallos"}, "do": "answer", "status": 204, "body": ""}])
    exchange = _post(client, named(sim, "app-prod-01").id, patience=0.5)
    assert exchange.head.startswith(b"HTTP/1.1 204") and exchange.body == b""


def test_delay(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"match": {"path": "*/jobs/*"}, "do": "delay", "seconds": 0.3}])
    start = time.monotonic()
    assert client.job("0" * 32).code == "Common.0011"
    assert time.monotonic() - start > 0.28


def test_a_fault_meets_only_what_it_is_for_and_only_so_often(sim: RunningSimulator, client: Client) -> None:
    one, two = named(sim, "app-prod-01").id, named(sim, "web-prod-04").id
    sim.faults([{"match": {"method": "get", "server_id": one}, "times": 2, "do": "answer", "status": 500}])
    path = "/v1/{p}/cloudservers/"
    assert client.get(path + two).status == 200
    assert [client.get(path + one).status for _ in range(3)] == [500, 500, 200]
    sim.faults([{"match": {"path": "/v1/*"}, "times": None, "do": "answer", "status": 503}])
    assert {client.get(path + two).status for _ in range(5)} == {503}
    sim.clear_faults()
    assert client.get(path + two).status == 200


def test_job_faults_wait_for_a_call_that_starts_a_job(sim: RunningSimulator, client: Client) -> None:
    sim.faults([{"do": "fail_job"}])
    assert client.get("/v1/{p}/cloudservers/limits").status == 200
    job_id = client.reinstall(named(sim, "app-prod-01").id, client.key()).json["job_id"]
    sim.advance(1200)
    assert client.job(job_id).json["status"] == "FAIL"


def test_silent_client_leaves_nothing_behind(sim: RunningSimulator, client: Client) -> None:
    """Half a request is no request, and the simulator goes on."""
    with socket.create_connection((sim.host, sim.port)) as sock:
        sock.sendall(b"POST /v2/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    count = len(sim.ledger()["requests"])
    wait_until(lambda: client.get("/v1/{p}/cloudservers/limits").status == 200)
    assert len(sim.ledger()["requests"]) == count + 1


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"this is not HTTP\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 140_000 + b"\r\n\r\n", 494),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 13000000\r\n\r\n" + b"z" * 13_000_000, 413),
    ],
)
def test_what_the_gateway_cannot_read(sim: RunningSimulator, raw: bytes, status: int) -> None:
    with socket.create_connection((sim.host, sim.port), timeout=5) as sock:
        sock.sendall(raw)
        answer = sock.recv(65_536)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()) and b"APIGW.0201" in answer
