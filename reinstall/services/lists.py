"""The list of servers as the first signal: one call tells of many jobs. The job itself stays the proof.

No document says what a server shows while it is reinstalled. So a list only ever says "ask this job now", and
whether it says so at the right moment is learned per cloud (services.plans).
"""

import logging
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Value

from ecsclient import servers
from ecsclient.errors import CloudError
from ecsclient.session import CloudSession
from reinstall.domain.budgets import LONGEST_PAUSE_S, Share, decorrelated
from reinstall.domain.intervals import KEPT
from reinstall.domain.sealing import CannotOpen
from reinstall.domain.states import JobState
from reinstall.models import Job, Project, Server, Watch
from reinstall.services import budget, links, plans

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]

#: Servers on a page, and ids in one question.
PAGE, IDS = 1000, 100
#: Seconds between two lists of one page for a thousand jobs. For fewer jobs a list tells less, so it is read
#: more rarely, with the root as for any inspection (domain.intervals), within these ends.
EVERY_S, FOR_JOBS, SOONEST_S, LATEST_S = 3.0, 1000, 2.0, 5.0
#: What each page adds: ten thousand servers are listed every three seconds.
PER_PAGE_S = 0.3
#: A list must save this share of the calls: it is less prompt than a question, and is not the proof.
WORTH_IT = 0.5
#: Until the list is believed it is only watched: half as often.
LEARNING = 2.0
#: States of a server that is at rest, well or not.
AT_REST = frozenset({"ACTIVE", "SHUTOFF", "ERROR"})
#: Waiting for the budget between two pages.
_PATIENCE_S = 5.0
_CHUNK = 500
_REMEMBERED = 200
_dice = random.Random()


def look_around(*, clock: Clock) -> int:
    """Lists the servers of each project where that is due and cheaper than asking its jobs one by one.

    Returns how many jobs were found to be worth asking now.
    """
    found = 0
    running = Job.objects.filter(state=JobState.RUNNING, next_at__isnull=False)
    for row in running.values("project_id").annotate(jobs=Count("pk")):
        project = Project.objects.select_related("cloud").get(pk=row["project_id"])
        watch = _watch(project, clock())
        now = clock()
        way = _way(project, watch, row["jobs"])
        plan = plans.plan_of(cloud_id=project.cloud_id, now=now)
        if now < watch.next_at:
            continue
        if not pays(way, plan):
            _stop(watch, now)
            continue
        every = timedelta(seconds=way.every_s * (1.0 if plan.believed else LEARNING))
        # Whoever moves the time ahead makes this list.
        if Watch.objects.filter(pk=watch.pk, next_at=watch.next_at).update(next_at=now + every):
            found += _list(project, way, plan.believed, clock)
    return found


@dataclass(frozen=True, slots=True)
class Way:
    """How the servers of so many running jobs are listed: by pages or by ids, in that many calls."""

    by_id: bool
    calls: int
    jobs: int

    @property
    def every_s(self) -> float:
        """Seconds from one list to the next."""
        best = EVERY_S * math.sqrt(FOR_JOBS * self.calls / self.jobs)
        return max(min(max(best, SOONEST_S), LATEST_S), PER_PAGE_S * self.calls)


def _way(project: Project, watch: Watch, jobs: int) -> Way:
    pages, questions = max(math.ceil(watch.servers / PAGE), 1), math.ceil(jobs / IDS)
    by_id = links.profile_of(project).lists_by_id and questions < pages
    return Way(by_id, questions if by_id else pages, jobs)


def pays(way: Way, plan: plans.Plan) -> bool:
    """Whether lists take far fewer calls a second than one question per job would."""
    if plan.schedule.is_learned:
        looks = plan.schedule.looks
        one_by_one = way.jobs / max(looks[-1] / len(looks), 1.0)
    else:
        one_by_one = way.jobs / plans.FIRST_S
    return way.calls / way.every_s < WORTH_IT * one_by_one


def _watch(project: Project, now: datetime) -> Watch:
    known = Watch.objects.filter(project=project).first()
    if known is not None:
        return known
    count = Server.objects.filter(project=project, gone_at=None).count()
    made, _ = Watch.objects.get_or_create(project=project, defaults={"next_at": now, "servers": count})
    return made


@dataclass
class _Seen:
    """What a list showed of the running jobs, by id of the job."""

    newly_busy: list[int] = field(default_factory=list)
    came_to_rest: list[int] = field(default_factory=list)
    busy_again: list[int] = field(default_factory=list)
    servers: int = 0


def _list(project: Project, way: Way, believed: bool, clock: Clock) -> int:
    begun = clock()
    running = Job.objects.filter(project=project, state=JobState.RUNNING, next_at__isnull=False)
    columns = ("pk", "server_id", "busy_seen_at", "idle_seen_at")
    jobs = {str(row[1]): row for row in running.values_list(*columns)}
    seen = _Seen()
    cloud_id = project.cloud_id
    try:
        session = links.session_of(project, patient=False)
        with links.listening(lambda call: budget.heard(cloud_id, Share.POLL, call, clock())):
            for state in _states(session, cloud_id, way, list(jobs), clock):
                seen.servers += 1
                row = jobs.get(state.id)
                if row is not None:
                    _note(seen, row[0], row[2] is not None, row[3] is not None, state)
    except (CloudError, CannotOpen) as error:
        return _failed(project, error, clock())
    _store(seen, clock(), believed)
    # By ids only some are seen; how many there are is known from the inventory or the last pages.
    count = F("servers") if way.by_id else Value(seen.servers)
    Watch.objects.filter(pk=project.pk).update(listed_at=begun, failures=0, servers=count)
    return len(seen.came_to_rest)


def _states(
    session: CloudSession, cloud_id: int, way: Way, ids: list[str], clock: Clock
) -> Iterator[servers.ServerState]:
    """The states of all servers of the project, or of those asked for; each call is paid for."""
    if way.by_id:
        for first in range(0, len(ids), IDS):
            if not _paid(cloud_id, clock):
                return
            yield from servers.states_of(session, ids[first : first + IDS]).states
        return
    number, listed = 1, 0
    while _paid(cloud_id, clock):
        page = servers.state_page(session, page=number, size=PAGE)
        yield from page.states
        number, listed = number + 1, listed + len(page.states)
        if not page.states or (len(page.states) < PAGE and listed >= (page.count or 0)):
            return


def _paid(cloud_id: int, clock: Clock) -> bool:
    """Waits for a call from the budget. False when it takes too long: half a list is of use as well."""
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up:
        now = clock()
        turn = budget.take(cloud_id=cloud_id, share=Share.POLL, now=now, calls=1)
        if turn.calls:
            return True
        wait = (turn.again_at - now).total_seconds()
        if wait > give_up - time.monotonic():
            return False
        time.sleep(min(max(wait, 0.01), 1.0))
    return False


def _note(seen: _Seen, job_id: int, was_busy: bool, was_idle: bool, state: servers.ServerState) -> None:
    busy = bool(state.task_state) or state.status not in AT_REST
    if busy and not was_busy:
        seen.newly_busy.append(job_id)
    elif busy and was_idle:
        seen.busy_again.append(job_id)
    elif was_busy and not busy and not was_idle:
        seen.came_to_rest.append(job_id)


def _store(seen: _Seen, now: datetime, believed: bool) -> None:
    later = {"next_at": now + timedelta(seconds=plans.SLOW_S)} if believed else {}
    for ids, changes in (
        (seen.newly_busy, {"busy_seen_at": now, "idle_seen_at": None} | later),
        (seen.busy_again, {"idle_seen_at": None}),
        (seen.came_to_rest, {"idle_seen_at": now, "next_at": now}),
    ):
        for first in range(0, len(ids), _CHUNK):
            chunk = ids[first : first + _CHUNK]
            Job.objects.filter(pk__in=chunk, state=JobState.RUNNING).update(**changes)


def _stop(watch: Watch, now: datetime) -> None:
    """So few jobs are left that each is asked by itself again, those at once that counted on the list."""
    if Watch.objects.filter(pk=watch.pk, listed_at__isnull=False).update(listed_at=None):
        plans.forget()
        counting = Job.objects.filter(project_id=watch.pk, state=JobState.RUNNING, next_at__gt=now)
        counting.filter(busy_seen_at__isnull=False).update(next_at=now)


def _failed(project: Project, error: Exception, now: datetime) -> int:
    """The list did not come. After a few in a row the jobs are asked one by one again."""
    log.warning("the servers of %s could not be listed: %s", project.slug, type(error).__name__)
    watch = Watch.objects.get(pk=project.pk)
    failures = watch.failures + 1
    wait = decorrelated(failures, base_s=EVERY_S, cap_s=LONGEST_PAUSE_S, dice=_dice)
    Watch.objects.filter(pk=project.pk).update(failures=failures, next_at=now + timedelta(seconds=wait))
    if failures == plans.FAILURES:
        plans.forget()
        running = Job.objects.filter(project=project, state=JobState.RUNNING, next_at__gt=now)
        running.update(next_at=now)
    return 0


@dataclass(frozen=True, slots=True)
class Ending:
    """What one answer taught. took_s: seconds from acceptance to the end, None if the job goes on."""

    agreed: bool
    misled: bool
    took_s: float | None


def learn(job: Job, *, ended: bool, now: datetime) -> None:
    """Keeps what an answer taught about the lists and the durations. `job` is as it was before the answer."""
    ending = ending_of(job, ended=ended, now=now)
    if ending is None:
        return
    with transaction.atomic():
        watch = Watch.objects.select_for_update().filter(pk=job.project_id).first()
        if watch is None:
            return
        watch.agreed += ending.agreed
        watch.misled += ending.misled
        if watch.agreed + watch.misled > _REMEMBERED:
            # Half is forgotten: a cloud that changes its ways is believed, or doubted, within a day's work.
            watch.agreed, watch.misled = watch.agreed // 2, watch.misled // 2
        if ending.took_s is not None:
            watch.durations = [*watch.durations, round(ending.took_s, 1)][-KEPT:]
        watch.save(update_fields=["agreed", "misled", "durations"])


def ending_of(job: Job, *, ended: bool, now: datetime) -> Ending | None:
    """What an answer teaches; None where nothing. `job` is as it was before the answer."""
    if not ended:
        idle = job.idle_seen_at
        first = idle is not None and (job.polled_at is None or job.polled_at < idle)
        return Ending(agreed=False, misled=True, took_s=None) if first else None
    accepted = job.accepted_at or job.state_since
    # It ended somewhere between two looks. A list that saw the server come to rest is the closer look.
    last = job.polled_at or accepted
    end = job.idle_seen_at or last + (now - last) / 2
    took_s = max((end - accepted).total_seconds(), 0.0)
    return Ending(agreed=job.idle_seen_at is not None, misled=False, took_s=took_s)
