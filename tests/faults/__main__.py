"""`make faults`: the engine under fire, each database and broker, seed by seed; 1 for any broken promise.

python -m tests.faults                          all setups, five seeds: about 30 minutes
python -m tests.faults --only postgres-redis --seeds 3
python -m tests.faults --quick                  one seed of SQLite with plain workers, under a minute
"""

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.faults.proxy import SilentProxy
from tests.faults.services import OwnPostgres, OwnRedis

ROOT = Path(__file__).resolve().parents[2]
RABBITMQ = os.environ.get("PORTAL_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
SETUPS = ("sqlite-embedded", "sqlite-redis", "postgres-redis", "postgres-rabbitmq")
QUICK = "sqlite-workers"
SILENT_S = 7.0


@dataclass
class Ground:
    """Database and broker of one run, and what may be done to them: name of a disaster -> how."""

    env: dict[str, str] = field(default_factory=dict)
    disasters: dict[str, Callable[[], None]] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)
    ends: list[Callable[[], None]] = field(default_factory=list)
    broker: str = ""


def lay(setup: str, place: Path, name: str) -> Ground:
    """What a setup needs, started."""
    database, broker = setup.split("-")
    ground = Ground(broker=broker)
    if database == "postgres":
        own = OwnPostgres(place / "postgres")
        ground.ends.append(own.end)
        ground.env["ECSPORTAL_DATABASE_URL"] = own.database("faults")
        ground.disasters["postgres-restart"] = own.restart
        ground.plan += ["postgres-restart"] * 3
    if broker == "redis":
        _lay_redis(ground, place)
    if broker == "rabbitmq":
        _lay_rabbitmq(ground, name)
    return ground


def _lay_redis(ground: Ground, place: Path) -> None:
    own = OwnRedis(place / "redis")
    proxy = SilentProxy("127.0.0.1", own.port)
    ground.ends += [proxy.close, own.end]
    ground.env["ECSPORTAL_BROKER_URL"] = f"redis://127.0.0.1:{proxy.port}/0"
    ground.disasters |= {"redis-flush": own.forget_all, "redis-restart": own.restart}
    ground.plan += ["redis-flush", "redis-flush", "redis-restart", "half-open"]
    _half_open(ground, proxy)


def _lay_rabbitmq(ground: Ground, name: str) -> None:
    import kombu

    queue = kombu.Queue(f"ecsportal-{name}")

    where = kombu.Connection(RABBITMQ)
    proxy = SilentProxy(where.hostname or "127.0.0.1", int(where.port or 5672))
    who = f"{where.userid}:{where.password}"
    virtual = "" if where.virtual_host in ("", "/") else where.virtual_host
    ground.env["ECSPORTAL_BROKER_URL"] = f"amqp://{who}@127.0.0.1:{proxy.port}/{virtual or '/'}"

    def empty() -> None:
        with kombu.Connection(RABBITMQ) as connection:
            queue(connection.default_channel).purge()

    def remove() -> None:
        with kombu.Connection(RABBITMQ) as connection:
            queue(connection.default_channel).delete()

    ground.ends += [proxy.close, remove]
    ground.disasters["queue-purge"] = empty
    ground.plan += ["queue-purge", "queue-purge", "half-open", "half-open"]
    _half_open(ground, proxy)


def _half_open(ground: Ground, proxy: SilentProxy) -> None:
    def silent() -> None:
        proxy.silent.set()
        threading.Timer(SILENT_S, proxy.silent.clear).start()

    ground.disasters |= {"half-open": silent, "calm": proxy.silent.clear}


class _Control:
    """Lets the run, which is another process, ask for its disasters."""

    def __init__(self, ground: Ground) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, json.dumps(ground.plan))

            def do_POST(self) -> None:
                act = ground.disasters.get(self.path.lstrip("/"), lambda: None)
                try:
                    act()
                except Exception as error:
                    return self._answer(500, json.dumps(str(error)))
                self._answer(200, "{}")

            def _answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def run(setup: str, seed: int, *, jobs: int, storm: float, kills: float) -> dict[str, Any]:
    """One run; its result, or a result that says that it did not come to an end."""
    name = f"faults-{setup}-{seed}-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        place.chmod(0o755)
        data = place / "data"
        data.mkdir()
        ground = lay(setup, place, name)
        control = _Control(ground)
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith(("ECSPORTAL_", "DJANGO_"))
        }
        env = (
            clean
            | ground.env
            | {
                "ECSPORTAL_DATA_DIR": str(data),
                "ECSPORTAL_SECRET_KEY": secrets.token_urlsafe(48),
                "ECSPORTAL_ENCRYPTION_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
                "ECSPORTAL_DEPLOYMENT_ID": name,
                "ECSPORTAL_LEASE_S": "5",
                "ECSPORTAL_CALLS_PER_SECOND": "submit=300,evidence=300,poll=300",
                "ECSPORTAL_THROTTLES": "read=off,write=off,export=off,order=off,project=off",
                "ECSPORTAL_AUTO_NOT_APPLIED": "true" if seed % 2 else "false",
                # Half of all calls go wrong on purpose: the breaker would hold every job after the third.
                "ECSPORTAL_BREAKER": "false",
                "PYTHONUNBUFFERED": "1",
            }
        )
        kind = {"embedded": "embedded", "workers": "workers"}.get(ground.broker, "celery")
        command = [
            sys.executable, "-m", "tests.faults.storm", "--kind", kind, "--broker", ground.broker,
            "--seed", str(seed), "--jobs", str(jobs), "--storm", str(storm),
            "--kills-a-second", str(kills), "--control", control.url,
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=env, text=True, capture_output=True, timeout=storm + 300
            )
        finally:
            control.server.shutdown()
            for end in ground.ends:
                end()
        return _result(setup, seed, done, data)


def _result(setup: str, seed: int, done: "subprocess.CompletedProcess[str]", data: Path) -> dict[str, Any]:
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), "")
    result: dict[str, Any] = json.loads(line.removeprefix("RESULT ")) if line else {"seed": seed}
    if not line:
        result["violations"] = ["the run did not come to its end: " + done.stderr[-2000:]]
    result["setup"] = setup
    if os.environ.get("FAULTS_SHOW"):
        print(done.stdout, result.get("states"))
    if result["violations"] or result.get("forgotten") or os.environ.get("FAULTS_SHOW"):
        kept = ROOT / "var" / "faults" / f"{setup}-{seed}"
        kept.mkdir(parents=True, exist_ok=True)
        for log in data.glob("*.log"):
            (kept / log.name).write_text(log.read_text(errors="replace"))
        (kept / "run.txt").write_text(f"{done.stdout}\n{done.stderr}")
        for path in data.glob("ecsportal.sqlite3*"):
            (kept / path.name).write_bytes(path.read_bytes())
    return result


COLUMNS = (
    *("jobs", "kills", "mid_call", "faults", "restarts", "pauses"),
    *("accepted", "accepted_twice", "wrong_labels", "forgotten", "checked"),
)
HEADS = (
    *("jobs", "kills", "mid-call", "faults", "restarts", "pauses"),
    *("accepted", "twice", "wrong", "forgotten", "checked"),
)


def row(name: str, results: list[dict[str, Any]]) -> str:
    """One line of the table, summed over runs."""
    numbers = [sum(result.get(column, 0) for result in results) for column in COLUMNS]
    return f"{name:<20}" + "".join(f"{number:>10}" for number in numbers)


def main() -> int:
    """Runs what was asked for; 1 when any run broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", choices=(*SETUPS, QUICK), action="append")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--jobs", type=int, default=80)
    parser.add_argument("--storm", type=float, default=40.0, help="seconds of each run")
    parser.add_argument("--kills", type=float, default=1.0, help="kills a second")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.only, given.seeds, given.jobs, given.storm, given.kills = (
            [QUICK],
            given.seeds[:1],
            60,
            15.0,
            1.2,
        )
    print(f"{'':<20}" + "".join(f"{head:>10}" for head in HEADS), flush=True)
    everything: list[dict[str, Any]] = []
    for setup in given.only or SETUPS:
        results = []
        for seed in given.seeds:
            results.append(run(setup, seed, jobs=given.jobs, storm=given.storm, kills=given.kills))
            print(
                f"{row(f'  seed {seed}', results[-1:])}   {results[-1].get('seconds', 0):.0f} s",
                flush=True,
            )
            for sentence in results[-1]["violations"][:10]:
                print(f"    BROKEN {sentence}", flush=True)
        print(row(setup, results), flush=True)
        everything += results
    print(row("together", everything))
    return 1 if any(result["violations"] or result.get("forgotten") for result in everything) else 0


if __name__ == "__main__":
    sys.exit(main())
