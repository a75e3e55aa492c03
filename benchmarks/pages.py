"""A person at the portal without a browser: signs in, opens the reinstall form, sends it."""

import time
from dataclasses import dataclass, field
from html.parser import HTMLParser

import requests

from benchmarks.processes import Failed


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent: when (seconds since 1970), how long the answer took, the job it made."""

    at: float
    reply_ms: float
    job: int


@dataclass
class Person:
    """One signed-in session at `url`."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        # No proxy and no .netrc: reading them is no part of what is measured.
        self.session.trust_env = False

    def sign_in(self, name: str, password: str) -> None:
        """Raises Failed when the portal does not let them in."""
        page = self.session.get(f"{self.url}/sign-in/", timeout=30)
        form = FormReader.read(page.text) | {"username": name, "password": password}
        answer = self.session.post(f"{self.url}/sign-in/", data=form, timeout=30, allow_redirects=False)
        if answer.status_code != 302:
            raise Failed(f"signing in answered {answer.status_code}")

    def usable_servers(self) -> list[tuple[str, str]]:
        """(id, name) of the servers that may be reinstalled now and have a key pair, in order of name."""
        query = {"project": "shop-prod", "limit": "200"}
        answer = self.session.get(f"{self.url}/api/v1/servers/", params=query, timeout=30)
        answer.raise_for_status()
        # The simulated cloud's web servers have none of its deliberate obstacles.
        return [
            (row["id"], row["name"])
            for row in answer.json()["results"]
            if not row["why_not"] and row["name"].startswith(("web-", "app-"))
        ]

    def open_form(self, server_id: str, name: str) -> dict[str, str]:
        """The fields of the form as a browser would send them, the server's name typed in."""
        page = self.session.get(f"{self.url}/servers/{server_id}/reinstall/", timeout=30)
        page.raise_for_status()
        form = FormReader.read(page.text)
        if not form.get("keyname"):
            form |= FormReader.first_key(page.text)
        return form | {"encrypted": "0", "reason": "benchmark", "confirm": name, "action": "place"}

    def send_form(self, server_id: str, form: dict[str, str]) -> Sent:
        """Sends the form once. Raises Failed when no job comes out of it."""
        parts = {name: (None, value) for name, value in form.items()}
        at, started = time.time(), time.perf_counter()
        answer = self.session.post(
            f"{self.url}/servers/{server_id}/reinstall/", files=parts, timeout=30, allow_redirects=False
        )
        reply_ms = (time.perf_counter() - started) * 1000
        if answer.status_code != 303:
            raise Failed(f"the form of {form['confirm']} was answered with {answer.status_code}")
        return Sent(at, reply_ms, int(answer.headers["Location"].rstrip("/").rpartition("/")[2]))


class FormReader(HTMLParser):
    """Reads what a browser would send of the main form: its inputs, chosen options and checked radios."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.keys: list[tuple[str, str]] = []
        self._in_main = False
        self._select = ""

    @classmethod
    def read(cls, page: str) -> dict[str, str]:
        """Names and values."""
        reader = cls()
        reader.feed(page)
        return reader.fields

    @classmethod
    def first_key(cls, page: str) -> dict[str, str]:
        """The first key pair of the pick list, with the user it belongs to."""
        reader = cls()
        reader.feed(page)
        if not reader.keys:
            raise Failed("the form offers no key pair")
        return dict(zip(("keyname", "userid"), reader.keys[0], strict=True))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "main":
            self._in_main = True
        if not self._in_main:
            return
        if tag == "select":
            self._select = told.get("name", "")
        elif tag == "option":
            self._option(told)
        elif tag == "input" and told.get("name"):
            self._input(told)

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._in_main = False

    def _option(self, told: dict[str, str]) -> None:
        if "selected" in told:
            self.fields[self._select] = told.get("value", "")
        if self._select == "keyname" and told.get("data-userid"):
            self.keys.append((told["value"], told["data-userid"]))

    def _input(self, told: dict[str, str]) -> None:
        kind = told.get("type", "text")
        if kind in ("submit", "file") or (kind in ("radio", "checkbox") and "checked" not in told):
            return
        self.fields[told["name"]] = told.get("value", "")
