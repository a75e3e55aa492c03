"""The command line against a running portal and a simulated cloud, called as scripts call it."""

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.lossyproxy import proxy_to
from tests.concurrency.conftest import free_port
from tests.concurrency.stack import ROOT, Stack, running_stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROGRAM = f"{shlex.quote(sys.executable)} {ROOT}/clients/python/ecsportal_client.py"
REINSTALL = {"method": "POST", "path": "*/reinstallos"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("program")
    with running_stack("embedded", folder, {}, port=free_port(), speed=60) as started:
        yield started


def environment(stack: Stack, **more: str) -> dict[str, str]:
    own = {"PORTAL_URL": stack.url, "PORTAL_TOKEN": stack.token, "PATH": os.environ["PATH"]}
    return own | more


def run(
    stack: Stack, script: str, *words: str, stdin: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """A shell script in which $cli is the program."""
    return subprocess.run(
        ["sh", "-c", f'cli="{PROGRAM}"\n{script}', "script", *words],
        env=environment(stack, **more), input=stdin, text=True, capture_output=True, timeout=200, check=False,
    )  # fmt: skip


def key_of(stack: Stack) -> str:
    name: str = stack.ask("GET", "key-pairs/?project=shop-prod").json()["results"][0]["name"]
    return name


#: As a tool's author writes it; $1 server, $2 key pair, more arguments go along.
NIGHTLY = """
set -eu
server="$1" key="$2"
shift 2
printf '#!/bin/sh\\necho gr\\303\\274\\303\\237e\\n' |
  $cli order --project shop-prod --server "$server" --keyname "$key" --user-data - --encrypted no \\
    --reason OPS-4417 --confirm "$server" --wait --timeout 120 "$@"
echo "reinstalled $server"
"""


def test_a_shell_script_reinstalls_a_server_and_goes_on_only_when_it_succeeded(stack: Stack):
    (server,) = stack.free_servers(1)
    done = run(stack, NIGHTLY, server["name"], key_of(stack))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"reinstalled {server['name']}"
    assert "succeeded" in done.stdout and "was taken" in done.stderr
    accepted = [row for row in stack.accepted() if row["server_id"] == server["id"]]
    assert len(accepted) == 1


def test_a_job_that_fails_is_another_status_and_the_script_stops(stack: Stack):
    (server,) = stack.free_servers(1)
    refusal = {"error": {"code": "Ecs.0314", "message": "the keypair does not match the user_id"}}
    stack.faults({"match": REINSTALL, "times": 1, "do": "answer", "status": 400, "json": refusal})
    done = run(stack, NIGHTLY, server["name"], key_of(stack), "--json")
    assert done.returncode == 1, done.stderr
    assert "reinstalled" not in done.stdout
    (job,) = json.loads(done.stdout)
    assert (job["state"], job["server"]["id"]) == ("rejected", server["id"])
    assert run(stack, '$cli job "$1"', str(job["id"])).returncode == 1
    assert run(stack, '$cli job "$1" --wait', str(job["id"])).returncode == 1


def test_a_lost_answer_makes_no_second_order(stack: Stack):
    (server,) = stack.free_servers(1)
    orders = len(stack.ask("GET", "orders/?limit=200").json()["results"])
    with proxy_to(stack.url) as proxy:
        proxy.lose = 2
        done = run(stack, NIGHTLY, server["name"], key_of(stack), PORTAL_URL=proxy.url)
        assert proxy.lost == [201, 201]
    assert done.returncode == 0, done.stderr
    assert "Trying again" in done.stderr
    assert len(stack.ask("GET", "orders/?limit=200").json()["results"]) == orders + 1
    assert len([row for row in stack.accepted() if row["server_id"] == server["id"]]) == 1


def test_waiting_survives_a_restart_of_the_portal(stack: Stack):
    (server,) = stack.free_servers(1)
    ended: list[subprocess.CompletedProcess[str]] = []
    jobs = f"jobs/?server={server['id']}"
    thread = threading.Thread(target=lambda: ended.append(run(stack, NIGHTLY, server["name"], key_of(stack))))
    thread.start()
    wait_until(lambda: stack.ask("GET", jobs).json()["results"], "the order")
    stack.kill_portal()
    stack.start_portal()
    thread.join(timeout=180)
    assert ended and ended[0].returncode == 0, ended[0].stderr if ended else "still waiting"
    assert len([row for row in stack.accepted() if row["server_id"] == server["id"]]) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("order --server x", "--project"),
        (
            "order --project shop-prod --server no-such-server --confirm x",
            "there is no server no-such-server",
        ),
        (
            "order --project shop-prod --server {name} --keyname no-such-key",
            "there is no key pair no-such-key",
        ),
        ("order --project shop-prod --server {id} --user-data /no/such/file", "cannot read /no/such/file"),
        ("order --project nowhere --server {id}", "There is no project nowhere"),
        (
            "order --project shop-prod --server {id} --keyname {key} --confirm wrong --reason x",
            "confirm: Type the",
        ),
        ("job 999999", "There is no job #999999"),
        ("jobs --state melted", "state"),
        ("nothing", "invalid choice"),
    ],
)
def test_what_is_refused_is_2_and_nothing_is_sent(arguments: str, sentence: str, stack: Stack):
    row: dict[str, Any] = stack.ask("GET", "servers/?limit=1&project=shop-prod").json()["results"][0]
    before = len(stack.accepted())
    words = arguments.format(id=row["id"], name=row["name"], key=key_of(stack))
    done = run(stack, f"$cli {words}")
    assert (done.returncode, done.stdout) == (2, ""), done
    assert sentence in done.stderr, done.stderr
    assert len(stack.accepted()) == before


def test_a_dry_run_says_what_would_happen_and_orders_nothing(stack: Stack):
    (server,) = stack.free_servers(1)
    script = '$cli order --project shop-prod --server "$1" --keyname "$2" --encrypted no --dry-run'
    done = run(stack, script, server["name"], key_of(stack))
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout and f"/{server['id']}/reinstallos" in done.stdout
    assert not [row for row in stack.accepted() if row["server_id"] == server["id"]]
    preview = json.loads(run(stack, f"{script} --json", server["name"], key_of(stack)).stdout)
    assert preview["requests"][0]["server_name"] == server["name"]


def test_lists_are_for_people_and_for_programs(stack: Stack):
    done = run(stack, "$cli servers --project shop-prod --q web --limit 3")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3 and "can be reinstalled" in done.stdout
    rows = json.loads(run(stack, "$cli key-pairs --project shop-prod --json").stdout)
    assert key_of(stack) in {row["name"] for row in rows}
    assert isinstance(json.loads(run(stack, "$cli jobs --project shop-prod --json").stdout), list)


def test_a_portal_that_is_not_there_is_3_and_no_settings_are_2(stack: Stack):
    nobody = f"http://127.0.0.1:{free_port()}"
    waited = run(stack, "$cli jobs", PORTAL_URL=nobody, PORTAL_PATIENCE="2")
    assert waited.returncode == 3 and "does not answer" in waited.stderr and "Trying again" in waited.stderr
    assert run(stack, "$cli jobs", PORTAL_URL="", PORTAL_TOKEN="").returncode == 2
    assert run(stack, "$cli jobs", PORTAL_URL="nonsense").returncode == 2
    wrong = run(stack, "$cli jobs", PORTAL_TOKEN="ecsp_wrong")
    assert wrong.returncode == 2 and "ecsp_wrong" not in wrong.stderr


def test_a_token_comes_from_a_file_too(stack: Stack, tmp_path: Path):
    (tmp_path / "token").write_text(f"{stack.token}\n")
    done = run(stack, "$cli jobs", PORTAL_TOKEN="", PORTAL_TOKEN_FILE=str(tmp_path / "token"))
    assert done.returncode == 0, done.stderr


def test_a_job_that_goes_on_after_the_wait_is_3(stack: Stack):
    (server,) = stack.free_servers(1)
    done = run(stack, NIGHTLY, server["name"], key_of(stack), "--timeout", "0")
    assert done.returncode == 3, done.stderr
    assert "goes on" in done.stderr


def test_the_readme_can_be_followed(stack: Stack):
    """The commands of the section for authors of tools, as they stand there, on another port."""
    section = (ROOT / "README.md").read_text().partition("## For authors of internal tools")[2]
    script = section.split("```")[1].replace("http://127.0.0.1:8000", stack.url)
    stack.add_person("User.objects.create_superuser('demo')")
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=ROOT, env=stack.env, text=True, capture_output=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "web-prod-01 is new" in done.stdout
    assert "passed" in done.stdout and "KeyPair-350b" in done.stdout
