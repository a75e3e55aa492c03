"""The simulator as a program: its line, its signals, its file."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from simulator.cloud import Cloud
from simulator.scenario import BadInput, Scenario
from simulator.server import start_in_thread
from simulator.state import StateFile, dump, load
from tests.simulator.client import Client, named

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def _program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running program and its address."""
    command = [sys.executable, "-m", "simulator", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        line = it.stdout.readline()
        found = re.fullmatch(r"simulator: listening on (http://127\.0\.0\.1:\d+)\n", line)
        try:
            assert found, (line, it.stderr.read() if it.stderr else "")
            yield it, found[1]
        finally:
            if it.poll() is None:
                it.kill()


def _get(address: str) -> Any:
    with urlopen(address, timeout=10) as answer:
        return json.load(answer)


def _post(address: str, body: object, headers: dict[str, str]) -> tuple[Any, dict[str, str]]:
    request = Request(
        address, json.dumps(body).encode(), headers={"Content-Type": "application/json", **headers}
    )
    with urlopen(request, timeout=10) as answer:
        return json.load(answer), dict(answer.headers)


def _reinstall(base: str) -> tuple[str, str, str]:
    """Starts one reinstall of a stopped server; (server id, job id, token)."""
    data = _get(base + "/_sim/cloud.json?kind=password")
    login = data["credentials"]
    user = {"name": login["user"], "password": login["password"], "domain": {"name": login["domain"]}}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"id": data["project_id"]}}
    token, headers = _post(base + "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}}, {})
    server = next(s for s in _get(base + "/_sim/world")["servers"] if s["name"] == "app-prod-01")
    body = {"os-reinstall": {"keyname": "ops-2025", "userid": token["token"]["user"]["id"]}}
    path = f"/v2/{data['project_id']}/cloudservers/{server['id']}/reinstallos"
    value = headers["X-Subject-Token"]
    job, _ = _post(base + path, body, {"X-Auth-Token": value})
    return server["id"], job["job_id"], value


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_quickly_and_goes_on_where_it_was(tmp_path: Path, number: signal.Signals) -> None:
    state = str(tmp_path / "deep" / "world.json")
    with _program("--state", state, "--speed", "1") as (it, base):
        server_id, job_id, token = _reinstall(base)
        start = time.monotonic()
        it.send_signal(number)
        assert it.wait(timeout=5) == 0
        assert time.monotonic() - start < 2
    assert os.stat(state).st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "deep") == ["world.json"]
    with _program("--state", state, "--speed", "1") as (it, base):
        (accepted,) = _get(base + "/_sim/ledger")["accepted"]
        assert (accepted["server_id"], accepted["job_id"]) == (server_id, job_id)
        _post(base + "/_sim/clock", {"advance_s": 1200}, {})
        project = _get(base + "/_sim/cloud.json")["project_id"]
        request = Request(f"{base}/v1/{project}/jobs/{job_id}", headers={"X-Auth-Token": token})
        with urlopen(request, timeout=10) as answer:
            assert json.load(answer)["status"] == "SUCCESS"
        server = next(s for s in _get(base + "/_sim/world")["servers"] if s["id"] == server_id)
        assert server["key_name"] == "ops-2025"
        it.send_signal(signal.SIGTERM)
        assert it.wait(timeout=5) == 0


def test_it_ends_when_its_starter_is_gone(tmp_path: Path) -> None:
    state = tmp_path / "world.json"
    command = [sys.executable, "-m", "simulator", "--port", "0", "--while-stdin", "--state", str(state)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as it:
        assert it.stdin is not None and it.stdout is not None
        assert "listening" in it.stdout.readline()
        it.stdin.close()
        try:
            assert it.wait(timeout=5) == 0
        finally:
            it.kill()
    assert state.exists(), "saved as after a signal"


def test_state_is_written_while_it_runs(tmp_path: Path) -> None:
    state = tmp_path / "world.json"
    with _program("--state", str(state), "--servers", "3") as (it, base):
        _reinstall_count = len(_get(base + "/_sim/world")["servers"])
        assert _reinstall_count == 3 + 8
        _post(
            base + "/_sim/server",
            {"server_id": _get(base + "/_sim/world")["servers"][0]["id"], "locked": True},
            {},
        )
        end = time.monotonic() + 5
        while not (state.exists() and json.loads(state.read_text())["servers"][0]["locked"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        it.kill()
        it.wait(timeout=5)
    with _program("--state", str(state)) as (it, base):
        assert _get(base + "/_sim/world")["servers"][0]["locked"] is True


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--state", "{tmp}/broken.json"), "state: this is not a saved world"),
        (("--scenario", "{tmp}/missing.json"), "missing.json cannot be read"),
        (("--scenario", "{tmp}/broken.json"), "broken.json is not JSON"),
        (("--speed", "-1"), "--speed must be from 0"),
        (("--servers", "-1"), "--servers must be from 0"),
    ],
)
def test_bad_start_is_told_and_exits_with_2(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "broken.json").write_text("{")
    given = [a.replace("{tmp}", str(tmp_path)) for a in arguments]
    command = [sys.executable, "-m", "simulator", "--port", "0", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr


def test_saved_world_is_the_whole_world(tmp_path: Path) -> None:
    """In the middle of a reinstall: a copy made from the file has the same future."""
    sim = start_in_thread(speed=0.0, seed=11)
    try:
        client = Client(sim)
        server = named(sim, "db-prod-01")
        job_id = client.reinstall(server.id, client.key(mode="withStopServer")).json["job_id"]
        sim.advance(30)
        with sim.lock:
            text = dump(sim.cloud)
        twin = Cloud(99, Scenario(), 0.0)
        load(twin, text)
        assert dump(twin).split('"tokens"')[1] == text.split('"tokens"')[1]
        sim.advance(1200)
        twin.clock.advance(1200)
        twin.settle()
        assert twin.world.servers[server.id].system_volume == server.system_volume is not None
        assert twin.world.jobs[job_id].status == "SUCCESS"
        assert [vars(s)["status"] for s in twin.world.servers.values()] == [
            vars(s)["status"] for s in sim.world.servers.values()
        ]
    finally:
        sim.stop()


def test_unchanged_world_is_not_written_again(tmp_path: Path) -> None:
    cloud = Cloud(1, Scenario(servers={"shop-prod": 2, "shop-staging": 0}), 0.0)
    keeper = StateFile(cloud, tmp_path / "w.json")
    assert keeper.load() is False
    assert keeper.save_if_changed() >= 0.5
    first = keeper.path.stat().st_mtime_ns
    keeper.save_if_changed()
    assert keeper.path.stat().st_mtime_ns == first
    cloud.reset()
    keeper.save_if_changed()
    assert keeper.path.stat().st_mtime_ns > first


def test_file_of_another_format_is_refused() -> None:
    with pytest.raises(BadInput, match="format 2 is not 1"):
        load(Cloud(1, Scenario(), 0.0), '{"format": 2}')


def test_two_thousand_servers_in_one_page() -> None:
    sim = start_in_thread(speed=0.0, scenario={"servers": {"shop-prod": 2000, "shop-staging": 0}})
    try:
        client = Client(sim)
        pages = [client.get("/v1/{p}/cloudservers/detail", limit="1000", offset=str(n)).json for n in (1, 2)]
        assert len({s["id"] for p in pages for s in p["servers"]}) == 2000
        start = time.monotonic()
        for page in range(1, 11):
            client.get("/v1/{p}/cloudservers/detail", limit="200", offset=str(page))
        assert time.monotonic() - start < 5
        start = time.monotonic()
        for _ in range(300):
            client.job("0" * 32)
        assert time.monotonic() - start < 5
    finally:
        sim.stop()
