"""Two web processes on one database: together they grant what one limit says, not a call more."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, own_database, running_stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.postgres, pytest.mark.redis]
LIMITS = "read=200/day,write=20/day,export=5/day,order=off,project=off"


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, redis_url: str, worker_name: str
) -> Iterator[Stack]:
    """A portal whose `port` and `port + 1` are two web processes."""
    folder: Path = tmp_path_factory.mktemp("pair")
    with own_database(postgres_url, f"limits_{worker_name}") as database:
        own = {
            "ECSPORTAL_DATABASE_URL": database,
            "ECSPORTAL_BROKER_URL": redis_url,
            "ECSPORTAL_DEPLOYMENT_ID": f"limits-{worker_name}",
            "ECSPORTAL_THROTTLES": LIMITS,
        }
        with running_stack("redis", folder, own, port=free_port()) as stack:
            stack.second_port = free_port()
            stack.start_web(stack.second_port)
            yield stack


def hammered(stack: Stack, method: str, path: str, times: int) -> tuple[Counter[int], Counter[int]]:
    """The answers of each of the two processes, asked by 16 threads at once with a new token."""
    token = stack.manage("token", "create", "tool", "--name", "limits").splitlines()[-1]

    def ask(number: int) -> tuple[int, int]:
        port = (stack.port, stack.second_port)[number % 2]
        answer = requests.request(
            method,
            f"http://127.0.0.1:{port}/api/v1/{path}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 86_400
            assert re.fullmatch(r'"\w+";r=0;t=\d+', answer.headers["RateLimit"])
            assert answer.headers["Content-Type"] == "application/problem+json"
        return number % 2, answer.status_code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(times)))
    return Counter(c for who, c in answers if who == 0), Counter(c for who, c in answers if who == 1)


@pytest.mark.parametrize(
    ("method", "path", "good", "limit", "times"),
    [
        ("GET", "projects/", 200, 200, 500),
        ("POST", "jobs/999999/cancel/", 404, 20, 60),
        ("GET", "key-pairs/?format=csv", 200, 5, 20),
    ],
)
def test_two_processes_share_one_limit(
    pair: Stack, method: str, path: str, good: int, limit: int, times: int
) -> None:
    first, second = hammered(pair, method, path, times)
    assert set(first + second) == {good, 429}
    assert (first + second)[good] == limit, (first, second)
    # Both of them granted some: it is not the limit of one process.
    assert first[good] and second[good], (first, second)
