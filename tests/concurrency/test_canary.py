"""Secrets by every way in; then they are looked for everywhere they must not be (I9)."""

import base64
import json
import re
import secrets
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import requests
from psycopg import sql

from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, own_database, running_stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PERSON = "carol"
#: A script is on the page that shows it, to whoever asked for it there; nowhere else.
SHOWN_ON = {
    "script": re.compile(r"^/jobs/\d+/script/$"),
    "preset script": re.compile(r"^/presets/canary/v/1/script/$"),
}
PAGES = [
    *("/servers/", "/jobs/", "/clouds/", "/clouds/new/", "/presets/", "/key-pairs/", "/audit/"),
    *("/settings/tokens/", "/manage/health/", "/servers/servers.csv", "/live", "/ready", "/admin/"),
    *(f"/admin/reinstall/{model}/" for model in ("auditevent", "order", "project", "job", "attempt")),
    "/admin/auth/user/",
]
LISTS = [
    *("projects", "servers", "key-pairs", "kms-keys", "images", "presets", "orders", "jobs", "tokens"),
    *("audit", "system", "openapi.json"),
]


def fresh() -> str:
    """A secret nothing else can be; it fits the rules for passwords of servers."""
    return f"Ca7-{secrets.token_hex(9)}"


@dataclass
class Canaries:
    """The secrets by what they are, and every text that left the portal by where it was seen."""

    known: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    def make(self, name: str) -> str:
        self.known[name] = fresh()
        return self.known[name]

    def found(self) -> list[str]:
        """Each place where one of them stands, in any of the ways it may be written."""
        return sorted(
            {
                f"{name} in {place}"
                for place, content in self.seen
                for name, secret in self.known.items()
                if any(form in content for form in written(secret))
                and not (name in SHOWN_ON and SHOWN_ON[name].match(place))
            }
        )


def written(secret: str) -> set[bytes]:
    """A secret as it is, in hex, in base64 at each of three offsets, in an address, in JSON."""
    raw = secret.encode()
    thirds = [base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return {raw, raw.hex().encode(), quote(secret).encode(), json.dumps(secret)[1:-1].encode(), *thirds}


@pytest.mark.parametrize("place", ["as it is", "in base64", "in hex", "deep in base64"])
def test_a_secret_is_found_however_it_is_written(place: str) -> None:
    canaries = Canaries()
    raw = canaries.make("password").encode()
    texts = {
        "as it is": raw,
        "in base64": base64.b64encode(raw),
        "in hex": raw.hex().encode(),
        "deep in base64": base64.b64encode(b"#!/bin/sh\n" + raw + b"\nend"),
    }
    canaries.seen.append(("here", texts[place]))
    assert canaries.found() == ["password in here"]


@contextmanager
def overheard(url: str, canaries: Canaries) -> Iterator[None]:
    """Every command that reaches this Redis while the block runs: messages of the queue, live updates."""
    parts = urlsplit(url)
    heard = bytearray()
    stop = threading.Event()
    with socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=0.2) as line:
        line.sendall(b"MONITOR\r\n")

        def listen() -> None:
            while not stop.is_set():
                with suppress(TimeoutError):
                    heard.extend(line.recv(65_536))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield
        stop.set()
        thread.join(timeout=5)
    assert b"reinstall.advance" in heard, "no message was looked at"
    canaries.seen.append(("messages", bytes(heard)))


#: Where keys of sessions stand.
SESSIONS = ("django_session", "reinstall_signedin")


def dumped_postgres(url: str) -> bytes:
    """Every row of every table as JSON; binary columns in hex. The tables of sessions have their keys as they
    are: whoever reads the database is kept out by the sign-in of the row, which ends."""
    lines = []
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in names:
            query = sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(sql.Identifier(name))
            lines += [row[0] for row in connection.execute(query) if name not in SESSIONS]
    assert len(names) > 20
    return "\n".join(lines).encode()


def dumped_sqlite(data_dir: Path) -> bytes:
    """The bytes of the database file, its journal, and all else in the directory but the keys."""
    kept = {"secret-key", "encryption-key"}
    with closing(sqlite3.connect(data_dir / "ecsportal.sqlite3")) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        for table in SESSIONS:
            connection.execute(f"DELETE FROM {table}")
        connection.commit()
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(
        path.read_bytes() for path in data_dir.rglob("*") if path.is_file() and path.name not in kept
    )


def told(answer: requests.Response) -> bytes:
    """The headers, but for the cookie that is the browser's own."""
    return str(
        {name: value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
    ).encode()


class Person:
    """Somebody at a browser, all of whose answers are kept."""

    def __init__(self, stack: Stack, canaries: Canaries) -> None:
        self.stack, self.canaries, self.session = stack, canaries, requests.Session()

    def get(self, path: str) -> str:
        answer = self.session.get(self.stack.url + path, timeout=30)
        self.canaries.seen.append((path, answer.content + told(answer)))
        return answer.text

    def post(self, path: str, form: dict[str, str], about: str = "") -> requests.Response:
        """Sends a form with the token of the page it is on (`about`)."""
        html = self.session.get(self.stack.url + (about or path), timeout=30).text
        hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|once|seen|version)" value="([^"]*)"', html))
        answer = self.session.post(self.stack.url + path, hidden | form, timeout=60)
        self.canaries.seen.append((path, answer.content + told(answer)))
        return answer


def sign_in(person: Person, password: str, name: str = PERSON) -> None:
    person.post("/sign-in/", {"username": name, "password": password})


def send_everything(stack: Stack, canaries: Canaries) -> Person:
    """Every secret there is, by every door that takes it: what is refused as well as what works."""
    stack.add_person(f"User.objects.create_superuser('{PERSON}', password='{canaries.make('password')}')")
    person = Person(stack, canaries)
    sign_in(person, canaries.make("wrong password"))
    sign_in(person, "x", canaries.make("password typed as the name"))
    sign_in(person, canaries.known["password"])
    canaries.known["session"] = person.session.cookies["ecsportal-session"]
    canaries.known["token"] = stack.token

    def rest(method: str, path: str, **more: object) -> None:
        answer = stack.ask(method, path, **more)
        assert answer.status_code < 500, answer.text
        canaries.seen.append((f"{method} {path}", answer.content))

    (server, other, third) = stack.free_servers(3)
    script = f"#!/bin/sh\necho {canaries.make('script')}\n"
    done = stack.order([server], user_data=script)["jobs"][0]["id"]
    secret = {"keyname": "", "userid": "", "adminpass": canaries.make("adminpass")}
    stack.faults(
        {"match": {"method": "POST", "path": "*/reinstallos"}, "times": 1, "do": "drop_after_accept"}
    )
    unclear = stack.order([other], **secret)["jobs"][0]["id"]
    wrong = {"kind": "aksk", "access_key": "AK", "secret_key": canaries.make("credential by REST")}
    rest("POST", "projects/shop-prod/credentials/", json={"credentials": wrong})
    rest("POST", "projects/", json={"credentials": {**wrong, "nonsense": canaries.make("unknown field")}})
    rest("POST", "orders/", data=f'{{"spec": {{"adminpass": "{canaries.make("broken JSON")}"')
    preset = {
        "keyname": "",
        "userid": "",
        "mode": "withStopServer",
        "user_data": canaries.make("preset script"),
    }
    rest("POST", "presets/", json={"project": "shop-prod", "name": "canary", "spec": preset})
    rest("GET", "servers/", headers={"Authorization": f"Bearer {canaries.make('unknown token')}"})
    person.post(
        "/clouds/shop-prod/credentials/",
        {"kind": "aksk", "access_key": "AK", "secret_key": canaries.make("credential by page")},
        about="/clouds/shop-prod/",
    )
    form = f"/servers/{third['id']}/reinstall/"
    typed = {
        "user_data_source": "text",
        "user_data": f"#!/bin/sh\n{canaries.make('script of a refused form')}",
    }
    person.post(form, typed | {"action": "check", "adminpass": canaries.make("adminpass of a refused form")})
    stack.settled([done, unclear])
    for number in (done, unclear):
        for path in ("", "report.txt", "exchange.json", "fragment/"):
            person.get(f"/jobs/{number}/{path}")
        for path in ("", "exchange/", "evidence/"):
            rest("GET", f"jobs/{number}/{path}")
    show_scripts(person, done)
    for name in LISTS:
        rest("GET", name if name.endswith(".json") else f"{name}/")
    return person


def show_scripts(person: Person, job: int) -> None:
    """Each script shown to somebody who asks, and the pages beside it read."""
    known = person.canaries.known
    for page, name in ((f"/jobs/{job}/", "script"), ("/presets/canary/v/1/", "preset script")):
        assert known[name] in person.post(f"{page}script/", {}, about=page).text
        person.get(page)
    person.get("/presets/canary/")
    person.get("/presets/canary/change/")


def watched(stack: Stack, canaries: Canaries) -> None:
    document = requests.get(f"{stack.simulator_url}/_sim/cloud.json?project=shop-prod", timeout=10).json()
    canaries.known["credential of the cloud"] = document["credentials"]["secret_key"]
    canaries.known |= {"signing key": stack.env["ECSPORTAL_SECRET_KEY"]}
    canaries.known |= {"sealing key": stack.env["ECSPORTAL_ENCRYPTION_KEYS"].partition(":")[2]}
    person = send_everything(stack, canaries)
    # The answers to forms hold what was typed, as they should: to the one who typed it. What is left is not.
    own = ("/reinstall/", "/sign-in/")
    canaries.seen[:] = [(place, text) for place, text in canaries.seen if not place.endswith(own)]
    for path in PAGES:
        person.get(path)


#: Everything a developer could switch on, without leaving production.
LOUD = {"ECSPORTAL_LOG_LEVEL": "DEBUG", "ECSPORTAL_LOG_FORMAT": "json"}


def logged(stack: Stack) -> list[tuple[str, bytes]]:
    return [
        (f"log of {process.name}", "\n".join(process.lines).encode())
        for process in stack.processes
        if process.name != "simulator"
    ]


def test_no_secret_is_anywhere_but_sealed_on_sqlite(tmp_path: Path) -> None:
    canaries = Canaries()
    with running_stack("embedded", tmp_path, LOUD, port=free_port(), speed=60) as stack:
        watched(stack, canaries)
    canaries.seen += logged(stack)
    canaries.seen.append(("database", dumped_sqlite(tmp_path)))
    judged(canaries)


@pytest.mark.postgres
@pytest.mark.redis
def test_no_secret_is_anywhere_but_sealed_on_postgresql_and_redis(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    canaries, name = Canaries(), f"portal_canary_{secrets.token_hex(4)}"
    with own_database(postgres_url, name) as database:
        more = {
            "ECSPORTAL_DATABASE_URL": database,
            "ECSPORTAL_BROKER_URL": redis_url,
            "ECSPORTAL_REDIS_URL": redis_url,
            "ECSPORTAL_DEPLOYMENT_ID": name,
        }
        with (
            overheard(redis_url, canaries),
            running_stack("redis", tmp_path, LOUD | more, port=free_port(), speed=60) as stack,
        ):
            watched(stack, canaries)
        canaries.seen.append(("database", dumped_postgres(database)))
    canaries.seen += logged(stack)
    judged(canaries)


def judged(canaries: Canaries) -> None:
    """None was seen; and there was something to see, in which a secret would have been found."""
    assert len(canaries.known) >= 15 and len(canaries.seen) > 40
    assert sum(len(text) for _, text in canaries.seen) > 300_000
    assert canaries.found() == []
