"""The steps of a connection test: what each looks at, and what can still be tried after one failed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from ecsclient import firstpages, probing
from ecsclient.errors import AuthRefused, CloudError, Forbidden, Refused, Throttled
from ecsclient.firstpages import Seen
from ecsclient.session import CloudSession
from reinstall.domain.redaction import plain_text
from reinstall.models import Project
from reinstall.services import links

#: Seconds our clock may differ before that is told, and before the gateway refuses signatures.
CLOCK_WARN_S: Final = 60
CLOCK_LIMIT_S: Final = 900
#: A certificate that runs out sooner is told.
_SOON: Final = timedelta(days=14)


class Result(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    NOT_TRIED = "not_tried"


TITLES: Final[Mapping[str, str]] = {
    "name_lookup": "Name lookup",
    "tls": "TLS",
    "clock": "Clock difference",
    "sign_in": "Sign-in",
    "servers": "List servers",
    "disks": "List disks",
    "key_pairs": "List key pairs",
    "kms_keys": "List KMS keys",
    "images": "List images",
    "traces": "List traces (CTS)",
}
_READS: Final[Mapping[str, tuple[str, str, Callable[[CloudSession], Seen]]]] = {
    "servers": ("ecs", "server", firstpages.servers),
    "disks": ("evs", "disk", firstpages.disks),
    "key_pairs": ("ecs", "key pair", firstpages.key_pairs),
    "kms_keys": ("kms", "KMS key", firstpages.kms_keys),
    "images": ("ims", "image", firstpages.images),
    "traces": (
        "cts",
        "trace",
        lambda session: firstpages.traces(session, since=session.clock() - timedelta(days=1)),
    ),
}
#: What a person loses where a list may not be read.
LOSS: Final[Mapping[str, str]] = {
    "servers": "Nothing can be reinstalled without it.",
    "disks": "Without it, sizes and encryption of disks are not known.",
    "key_pairs": "Without it, key pairs cannot be offered.",
    "kms_keys": "It is needed to encrypt system disks.",
    "images": "Without it, an image that is gone shows only when a reinstall fails.",
    "traces": "Without it, fewer unclear outcomes settle by themselves.",
}


def sentence_of(error: CloudError, loss: str = "") -> str:
    """What the cloud or the network said, as a sentence, and what is lost by it."""
    said = plain_text(str(error), 500).rstrip(".")
    return f"{said[:1].upper()}{said[1:]}. {loss}".strip()


Outcome = tuple[Result, str]


@dataclass
class Trial:
    """One test: what was found so far decides what can still be tried."""

    project: Project
    session: CloudSession
    #: Host -> why nothing can be sent there.
    closed: dict[str, str] = field(default_factory=dict)
    #: Why no call is signed any more; "" while that is allowed.
    locked_out: str = ""

    def run(self, name: str) -> Outcome:
        """One step. Raises CloudError where that is how it failed."""
        if name in _READS:
            return self._read(name)
        steps = {
            "name_lookup": self._look_up,
            "tls": self._secure,
            "clock": self._read_clock,
            "sign_in": self._sign_in,
        }
        return steps[name]()

    def _hosts(self) -> dict[str, str]:
        """Host (with its port) -> an endpoint there; each host once."""
        return {urlsplit(url).netloc: url for url in links.endpoints_of(self.project).values()}

    def _look_up(self) -> Outcome:
        rule, found, wrong = links.refuses(self.project), dict[str, int](), list[str]()
        for host, url in self._hosts().items():
            try:
                found[host] = len(probing.look_up(url, rule))
            except CloudError as error:
                self.closed[host] = f"{host} cannot be called"
                wrong.append(f"{host}: {sentence_of(error)}")
        if wrong:
            return Result.FAILED, " ".join(wrong)
        return Result.PASSED, f"{_counted(len(found), 'name')} found: {', '.join(found)}."

    def _secure(self) -> Outcome:
        hosts = self._hosts()
        plain = [host for host, url in hosts.items() if url.startswith("http:")]
        tried = {host: url for host, url in hosts.items() if host not in plain and host not in self.closed}
        wrong, protocols, ends = list[str](), set[str](), list[datetime]()
        for host, url in tried.items():
            try:
                made = probing.secure(url, links.refuses(self.project))
            except CloudError as error:
                self.closed[host] = f"{host} has no TLS to trust"
                wrong.append(sentence_of(error))
                continue
            protocols.add(made.protocol)
            ends += [made.expires_at] if made.expires_at else []
        if wrong:
            return Result.FAILED, " ".join(wrong)
        if plain:
            return Result.WARNED, f"Not encrypted, simulator only: {', '.join(plain)}."
        if not tried:
            return Result.NOT_TRIED, f"Not tried: {'; '.join(self.closed.values())}."
        return _certificates(protocols, ends, self.session.clock())

    def _read_clock(self) -> Outcome:
        url = links.endpoints_of(self.project)["ecs"]
        if why := self._closed_to(url):
            return Result.NOT_TRIED, why
        ahead = probing.read_clock(url, links.refuses(self.project), clock=self.session.clock).ahead_s
        if ahead is None:
            return Result.WARNED, "The cloud did not say what time it is."
        seconds = abs(round(ahead))
        said = f"The cloud's clock is {seconds} s {'ahead of' if ahead > 0 else 'behind'} ours."
        if seconds >= CLOCK_LIMIT_S and self.session.access_key:
            return Result.FAILED, f"{said} It refuses signatures that are 15 minutes off. Set our clock."
        if seconds > CLOCK_WARN_S:
            return Result.WARNED, f"{said} Signatures are refused from 15 minutes on."
        return Result.PASSED, said if seconds > 1 else "Both clocks agree to the second."

    def _sign_in(self) -> Outcome:
        service = "ecs" if self.session.access_key else "iam"
        if why := self._closed_to(links.endpoints_of(self.project)[service]):
            self.locked_out = "Not tried: there was no sign-in."
            return Result.NOT_TRIED, why
        try:
            return self._signed_in()
        except CloudError:
            # One refusal is an answer. More of them lock the key, or the user, at the cloud.
            self.locked_out = "Not tried: the sign-in failed."
            raise

    def _signed_in(self) -> Outcome:
        key = self.session.access_key
        if key is None:
            return Result.PASSED, f"A token was given for user {self.session.user_id()}."
        try:
            firstpages.servers(self.session)
        except (AuthRefused, Throttled):
            raise
        except Forbidden:
            # What the key may do is the matter of the steps below.
            return Result.PASSED, f"The cloud knows the access key {key}."
        except Refused as error:
            return Result.WARNED, f"The access key {key} was not refused, the call was: {sentence_of(error)}"
        return Result.PASSED, f"The cloud takes signatures of the access key {key}."

    def _read(self, name: str) -> Outcome:
        service, thing, read = _READS[name]
        url = links.endpoints_of(self.project).get(service)
        if url is None:
            return Result.NOT_TRIED, f"Not tried: this cloud has no {service.upper()} here. {LOSS[name]}"
        if why := self.locked_out or self._closed_to(url):
            return Result.NOT_TRIED, why
        seen = read(self.session)
        words = f"{_counted(seen.count, thing)}{' and more' if seen.more else ''}"
        return Result.PASSED, f"{words} of the last day listed." if name == "traces" else f"{words} listed."

    def _closed_to(self, url: str) -> str:
        why = self.closed.get(urlsplit(url).netloc)
        return f"Not tried: {why}." if why else ""


def _certificates(protocols: set[str], ends: list[datetime], now: datetime) -> Outcome:
    said = f"{', '.join(sorted(protocols))}, certificates are good"
    if not ends:
        return Result.PASSED, f"{said}."
    first = min(ends)
    day = f"{first.astimezone(UTC):%Y-%m-%d}"
    if first - now < _SOON:
        return Result.WARNED, f"{said} until {day} only."
    return Result.PASSED, f"{said}, until {day} at least."


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
