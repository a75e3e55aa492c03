"""Which faults of the cloud a seed plants: half of all reinstall calls meet one, and some jobs do."""

import random
from typing import Any

#: Answers to the one destructive call; `accept` says whether the cloud takes it on all the same.
CALL_FAULTS: tuple[dict[str, Any], ...] = (
    {"do": "drop_before_read"},
    {"do": "drop_after_read"},
    {"do": "drop_after_accept"},
    {"do": "close_after_accept"},
    {"do": "hang", "seconds": 2},
    {"do": "hang", "seconds": 2, "accept": True},
    {"do": "headers_then_hang", "seconds": 2},
    {"do": "drip", "seconds": 3},
    {"do": "delay", "seconds": 3},
    {"do": "truncate_body"},
    {"do": "truncate_headers"},
    {"do": "bad_chunk"},
    {"do": "big_body", "mb": 3},
    {"do": "answer", "status": 500, "json": {"error": {"code": "Ecs.0000", "message": "x"}}},
    {"do": "answer", "status": 503, "accept": True, "body": "<html>busy</html>"},
    {"do": "answer", "status": 504, "accept": True, "json": {"error_code": "APIGW.0201", "error_msg": "x"}},
    {"do": "answer", "status": 400, "accept": True, "json": {"error": {"code": "Ecs.1002", "message": "x"}}},
    {"do": "answer", "status": 400, "json": {"error": {"code": "Ecs.0314", "message": "no such pair"}}},
    {"do": "answer", "status": 403, "json": {"error": {"code": "Ecs.0003", "message": "not allowed"}}},
    {"do": "answer", "status": 401, "json": {"error_code": "APIGW.0301", "error_msg": "x"}},
    {"do": "answer", "status": 409, "json": {"error": {"code": "Ecs.0603", "message": "busy"}}},
    {
        "do": "answer",
        "status": 409,
        "accept": True,
        "json": {"error": {"code": "Ecs.0603", "message": "busy"}},
    },
    {
        "do": "answer",
        "status": 429,
        "headers": {"Retry-After": "1"},
        "json": {"error": {"code": "Common.1503", "message": "slow down"}},
    },
    {"do": "answer", "status": 202, "json": {"error": {"code": "Common.0024", "message": "flow limit"}}},
    {"do": "answer", "status": 204, "accept": True, "body": ""},
    {"do": "answer", "status": 200, "accept": True, "body": "<html>welcome</html>"},
    {"do": "answer", "status": 200, "accept": True, "json": {"job_id": 17}},
    {"do": "answer", "status": 307, "headers": {"Location": "http://127.0.0.1:9/elsewhere"}, "body": "moved"},
)
JOB_FAULTS: tuple[dict[str, Any], ...] = (
    {"do": "fail_job"},
    {"do": "lose_job"},
    {"do": "keep_disk"},
    {"do": "change_data_disk"},
    {"do": "slow_job", "start_after_s": 120},
)
#: Reads that go wrong now and then, whoever asks.
READ_FAULTS: tuple[dict[str, Any], ...] = (
    {"do": "answer", "status": 500, "body": "oops", "times": 6},
    {"do": "drop_after_read", "times": 6},
    {"do": "truncate_body", "times": 6},
    {"do": "delay", "seconds": 2, "times": 4},
)


def planted_faults(chance: random.Random, servers: list[str]) -> list[dict[str, Any]]:
    """One fault for every second server's call, for each tenth a job that goes wrong, and bad reads."""
    found: list[dict[str, Any]] = []
    for server_id in servers:
        throw = chance.random()
        match = {"method": "POST", "path": "*/reinstallos", "server_id": server_id}
        if throw < 0.5:
            found.append({"match": match, "times": 1, **chance.choice(CALL_FAULTS)})
        elif throw < 0.6:
            found.append({"match": match, "times": 1, **chance.choice(JOB_FAULTS)})
    for fault in READ_FAULTS:
        for path in ("*/jobs/*", "*/block_device", "*/cloudservers/*"):
            found.append({"match": {"method": "GET", "path": path}, **fault})
    chance.shuffle(found)
    return found
