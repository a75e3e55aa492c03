"""The engine in separate processes: the same promises on each database and broker."""

import base64
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from celery import Celery

from tests.concurrency.stack import Stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REINSTALL = {"method": "POST", "path": "*/reinstallos"}


def numbers(placed: dict[str, Any]) -> list[int]:
    return [job["id"] for job in placed["jobs"]]


def test_an_order_of_ten_servers_ends_in_ten_successes_each_accepted_once(stack: Stack) -> None:
    script = "#!/bin/sh\necho grüße\n"
    before = len(stack.accepted())
    servers = stack.free_servers(10)
    jobs = stack.settled(numbers(stack.order(servers, user_data=script)))
    assert [job["state"] for job in jobs] == ["succeeded"] * 10, stack.output()
    accepted = stack.accepted()[before:]
    assert sorted(row["server_id"] for row in accepted) == sorted(row["id"] for row in servers)
    by_server = {row["server_id"]: row for row in accepted}
    for job in jobs:
        row = by_server[job["server"]["id"]]
        sent = row["body"]["os-reinstall"]
        assert row["job_id"] == job["cloud_job_id"]
        assert base64.b64decode(sent["metadata"]["user_data"]) == script.encode()
        assert set(sent) == {"keyname", "userid", "mode", "metadata"}
        kept = [disk for disk in job["disks"] if disk["role"] == "data"]
        assert all(disk["id_after"] == disk["id"] for disk in kept)
        (system,) = [disk for disk in job["disks"] if disk["role"] == "system"]
        assert system["id_after"] not in ("", None, system["id"])


@pytest.mark.parametrize("fault", ["drop_after_accept", "truncate_body"])
def test_an_unclear_answer_is_settled_by_reading_alone(stack: Stack, fault: str) -> None:
    before = len(stack.accepted())
    stack.faults({"match": REINSTALL, "times": 1, "do": fault})
    (job,) = stack.settled(numbers(stack.order(stack.free_servers(1))))
    assert job["state"] == "succeeded", stack.output()
    # One attempt: unknown, or accepted once the audit service named the job it became.
    (attempt,) = job["attempts"]
    assert attempt["verdict"] in ("unknown", "accepted")
    assert len(stack.accepted()) == before + 1


def test_a_refusal_ends_the_job_with_the_reason(stack: Stack) -> None:
    before = len(stack.accepted())
    answer = {"error": {"code": "Ecs.0314", "message": "the keypair does not match the user_id"}}
    stack.faults({"match": REINSTALL, "times": 1, "do": "answer", "status": 400, "json": answer})
    (job,) = stack.settled(numbers(stack.order(stack.free_servers(1))))
    assert job["state"] == "rejected"
    assert job["failure"]["code"] == "Ecs.0314"
    assert len(stack.accepted()) == before


def test_twenty_tools_ask_for_one_server_and_one_is_taken(stack: Stack) -> None:
    before = len(stack.accepted())
    (server,) = stack.free_servers(1)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: _place(stack, server, f"race-{n}-key"), range(20)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [409] * 19, [answer.text for answer in answers if answer.status_code != 201][:2]
    winner = next(answer for answer in answers if answer.status_code == 201).json()["jobs"][0]["id"]
    refusals = [answer.json()["detail"] for answer in answers if answer.status_code == 409]
    assert all(f"#{winner}" in detail for detail in refusals), refusals[:2]
    stack.settled([winner])
    assert len(stack.accepted()) == before + 1


def test_the_same_key_at_once_gives_one_order(stack: Stack) -> None:
    before = len(stack.accepted())
    (server,) = stack.free_servers(1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _place(stack, server, "the-one-key-of-them-all"), range(8)))
    codes = {answer.status_code for answer in answers}
    assert codes <= {201, 409}
    ids = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(ids) == 1
    again = _place(stack, server, "the-one-key-of-them-all")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["id"] in ids
    stack.settled(numbers(again.json()))
    assert len(stack.accepted()) == before + 1


def _place(stack: Stack, server: dict[str, Any], key: str) -> requests.Response:
    pair = stack.ask("GET", "key-pairs/?project=shop-prod").json()["results"][0]
    body = {
        "project": "shop-prod",
        "servers": [server["id"]],
        "spec": {"keyname": pair["name"], "userid": pair["userid"], "mode": "withStopServer"},
        "reason": "race",
        "confirm": server["name"],
    }
    return stack.ask("POST", "orders/", json=body, headers={"Idempotency-Key": key})


def test_killed_in_the_middle_of_twenty_jobs_and_started_again(stack: Stack) -> None:
    if stack.kind != "embedded":
        pytest.skip("with several processes a claim ends with its lease, after three minutes: make faults")
    before = len(stack.accepted())
    servers = stack.free_servers(20)
    ids = numbers(stack.order(servers))
    wait_until(lambda: len(stack.accepted()) - before >= 5, "some of the calls to arrive", stack.output)
    stack.kill_portal()
    stack.start_portal()
    # Where the request had not left before the kill, nothing can prove so for 21 minutes: the job says that
    # it does not know, and keeps its server. What the cloud took on must be found again, the rest sent.
    jobs = stack.settled(ids, or_unknown_and_never_arrived=before)
    accepted = [row["server_id"] for row in stack.accepted()[before:]]
    assert len(accepted) == len(set(accepted)), "a server was accepted twice"
    for job in jobs:
        if job["server"]["id"] in accepted:
            assert job["state"] == "succeeded", job
        else:
            assert job["state"] in ("uncertain", "attention") and job["waiting_for"], job
            assert [attempt["verdict"] for attempt in job["attempts"]] == ["unknown"], job
    # Eight steps run side by side: no more than those can have been between intent and call.
    assert len(accepted) >= 20 - 8, [job["state"] for job in jobs]


def test_a_stop_ends_within_seconds_and_leaves_no_traceback(stack: Stack) -> None:
    portal = [process for process in stack.processes if process.name != "simulator"]
    for process in portal:
        process.end(signal.SIGTERM)
        stack.processes.remove(process)
    output = "\n".join(process.tail() for process in portal)
    assert not re.search(r"Traceback \(most recent call last\)", output), output
    stack.start_portal()


def left_in(queue: Celery) -> int:
    """Messages that wait where this program has sent its own."""
    with queue.connection_for_read() as connection:
        channel: Any = connection.default_channel
        # As Celery declares it. In Redis an empty queue is none, so it may not be asked for passively.
        told = channel.queue_declare(queue=queue.conf.task_default_queue, durable=True, auto_delete=False)
        return int(told.message_count)


def test_F26_every_message_five_times_in_any_order_is_one_call_each(stack: Stack) -> None:
    if stack.kind == "embedded":
        pytest.skip("the queue inside one process takes no message from outside; tests/faults calls its task")
    before = len(stack.accepted())
    ids = numbers(stack.order(stack.free_servers(6)))
    messages = ids * 5
    with Celery(broker=stack.env["ECSPORTAL_BROKER_URL"], set_as_current=False) as queue:
        queue.conf.task_default_queue = f"ecsportal-{stack.env['ECSPORTAL_DEPLOYMENT_ID']}"
        # Until the last job has ended, so that steps are asked for in the middle of others.
        for _ in range(60):
            random.shuffle(messages)
            for number in messages:
                queue.send_task("reinstall.advance", args=(number,), ignore_result=True)
            if all(stack.job(number)["ended_at"] for number in ids):
                break
            time.sleep(0.5)
        # Nothing is left: workers took the messages, it was not only that their sweeps found the jobs.
        wait_until(lambda: left_in(queue) == 0, "workers to take every message", stack.output)
    jobs = stack.settled(ids)
    assert [job["state"] for job in jobs] == ["succeeded"] * 6, stack.output()
    assert [len(job["attempts"]) for job in jobs] == [1] * 6
    assert len(stack.accepted()) == before + 6
