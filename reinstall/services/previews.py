"""What a request would be, shown before it is made: its checks and the exact calls, secrets masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from reinstall.domain.callversions import CallVersion
from reinstall.domain.curl import curl_text
from reinstall.domain.identity import ServerFacts
from reinstall.domain.spec import ReinstallSpec
from reinstall.domain.verdicts import Check
from reinstall.models import Project
from reinstall.services import links
from reinstall.services.requests import reinstall_path


@dataclass(frozen=True, slots=True)
class PreviewedRequest:
    """The exact call that would be made, user data and password masked.

    request_hash: as the order will have it; "" with a password, when a key of the order goes into it.
    seen: the server as it was judged.
    """

    server_id: str
    server_name: str
    method: str
    path: str
    body: dict[str, object]
    request_hash: str
    seen: ServerFacts


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen. Nothing was stored. No requests: something is missing that they rest on.

    curl: the first request for a shell, user data masked; the others differ in their path.
    """

    #: Of the request as a whole: its preset, and what the cloud could not be asked about.
    of_all: tuple[Check, ...]
    #: The checks of each server, in the order of `names`.
    by_server: tuple[tuple[Check, ...], ...]
    names: tuple[str, ...]
    requests: tuple[PreviewedRequest, ...]
    warnings: tuple[str, ...]
    curl: str
    #: Whether the cloud answered all that was asked, just now.
    fresh: bool

    @property
    def checks(self) -> tuple[Check, ...]:
        """All of them, in the order people read them."""
        return (*self.of_all, *chain.from_iterable(self.by_server))


def requests_of(
    project: Project,
    servers: Sequence[ServerFacts],
    calls: Sequence[tuple[CallVersion, str]],
    spec: ReinstallSpec,
) -> tuple[PreviewedRequest, ...]:
    """The exact calls as people see them. calls: of each server the version of its call, and the hash."""
    body = spec.masked_body()
    return tuple(
        PreviewedRequest(
            server_id=facts.server_id,
            server_name=facts.name,
            method="POST",
            path=reinstall_path(project, facts.server_id, version),
            body=body,
            request_hash=digest,
            seen=facts,
        )
        for facts, (version, digest) in zip(servers, calls, strict=True)
    )


def curl_of(project: Project, previews: Sequence[PreviewedRequest]) -> str:
    """The first of the calls for a shell; "" for none."""
    endpoint = links.endpoints_of(project).get("ecs", "")
    return curl_text("POST", endpoint, previews[0].path, previews[0].body) if previews else ""
