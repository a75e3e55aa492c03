"""Tests the connection to a project's cloud, step by step: what works, what does not, and what it is for.

A step that fails does not hide the others: those that can still run do, the rest say what they wait for. Of
each list only the first page is read. What a write needs is not tested here; only a reinstall can.
"""

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from ecsclient.errors import CloudError
from reinstall.domain.actors import Actor
from reinstall.domain.sealing import CannotOpen
from reinstall.models import Project
from reinstall.services import access, history, links
from reinstall.services.trial import LOSS, TITLES, Result, Trial, sentence_of

WRITES: Final = "Write rights are not tested; a reinstall is the only real test."


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of a connection test. duration in milliseconds."""

    name: str
    title: str
    result: Result
    sentence: str
    duration_ms: int

    @property
    def ok(self) -> bool:
        """Whether it went through, perhaps with something to know."""
        return self.result in (Result.PASSED, Result.WARNED)


@dataclass(frozen=True, slots=True)
class Checked:
    """A whole test."""

    steps: tuple[CheckStep, ...]
    writes: str = WRITES

    @property
    def ok(self) -> bool:
        """Whether no step failed. One that was not tried waits for one that did, or has no service here."""
        return all(step.result is not Result.FAILED for step in self.steps)


#: Enough to know that credentials work.
SIGNING_IN: Final = ("name_lookup", "tls", "clock", "sign_in", "servers")


def check_connection(*, actor: Actor, now: datetime, slug: str) -> Generator[CheckStep, None, None]:
    """The steps, each as it ends; what was found is audited when the last one ended or nobody reads on.

    Raises NotFound and NotAllowed at once, before the first step.
    """
    project = access.project_for_reading(actor, slug)
    access.must_manage(actor, project)
    # A person asks whether the credentials work: a refusal of a moment ago is no answer to that.
    links.sign_in_anew(project)
    return _audited(actor, now, project)


def _audited(actor: Actor, now: datetime, project: Project) -> Generator[CheckStep, None, None]:
    results: dict[str, str] = {}
    try:
        for step in _stored(project):
            results[step.name] = str(step.result)
            yield step
    finally:
        with transaction.atomic():
            act = history.project_act(project, "project.checked", after=results)
            history.record(actor=actor, now=now, act=act)


def _stored(project: Project) -> Iterator[CheckStep]:
    try:
        record = links.open_credentials(project)
    except CannotOpen:
        yield CheckStep("credentials", "Credentials", Result.FAILED, links.SEALED_SHUT, 0)
        return
    yield from steps_with(project, kind=project.credential_kind, record=record)


def steps_with(
    project: Project, *, kind: str, record: Mapping[str, str], names: tuple[str, ...] = tuple(TITLES)
) -> Iterator[CheckStep]:
    """The steps `names` with these credentials, which need not be those stored."""
    with links.trial_session(project, kind=kind, record=record) as session:
        trial = Trial(project, session)
        for name in names:
            started = time.monotonic()
            try:
                result, sentence = trial.run(name)
            except CloudError as error:
                result, sentence = Result.FAILED, sentence_of(error, LOSS.get(name, ""))
            took = round((time.monotonic() - started) * 1000)
            yield CheckStep(name, TITLES[name], result, sentence, took)
