"""What is to know once a reinstall has succeeded: the proof, how long to leave the server alone."""

from dataclasses import dataclass
from datetime import datetime

from reinstall.domain.afterwards import Change, changes, forget_line, known_hosts, leave_alone_until
from reinstall.domain.identity import ServerFacts
from reinstall.domain.states import JobState
from reinstall.models import Job


@dataclass(frozen=True, slots=True)
class AfterView:
    """A server after its reinstall. `changes` is empty where nobody could compare.

    known_hosts: what SSH clients may call the server; forget_lines: a command for each, in the same order.
    """

    leave_alone_until: datetime
    changes: tuple[Change, ...]
    known_hosts: tuple[str, ...]
    forget_lines: tuple[str, ...]


def after_of(job: Job) -> AfterView | None:
    """None for a job that has not succeeded."""
    if job.state != JobState.SUCCEEDED or job.ended_at is None:
        return None
    before, after = ServerFacts.from_json(job.baseline), ServerFacts.from_json(job.found_after)
    last = after or before or ServerFacts.from_json(job.snapshot)
    hosts = known_hosts(last.addresses if last else (), job.server_name)
    return AfterView(
        leave_alone_until=leave_alone_until(
            cloud_ended_at=job.cloud_ended_at, sent_at=job.sent_at, ended_at=job.ended_at
        ),
        changes=changes(before, after) if before and after else (),
        known_hosts=hosts,
        forget_lines=tuple(forget_line(host) for host in hosts),
    )
