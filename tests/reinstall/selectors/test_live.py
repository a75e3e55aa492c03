"""The hub that tells open pages about changes: promptly, once, and only while somebody watches."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from reinstall.selectors import live
from reinstall.selectors.bell import RedisBell

BEAT = 0.2


class Table:
    """Versions of jobs as a database would have them, and how often it was asked."""

    def __init__(self, **stamps: str) -> None:
        self.stamps = {int(name[1:]): stamp for name, stamp in stamps.items()}
        self.reads: list[set[int]] = []
        self.broken = False

    def __call__(self, ids: Iterable[int]) -> dict[int, str]:
        self.reads.append(set(ids))
        if self.broken:
            raise RuntimeError("the database is away")
        return {job: self.stamps[job] for job in ids if job in self.stamps}


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(scenario(), 10)

    asyncio.run(limited())


async def following(stream: AsyncIterator[str | None]) -> str:
    """The next version, heartbeats skipped."""
    async for stamp in stream:
        if stamp is not None:
            return stamp
    raise AssertionError("the stream ended")


def test_the_present_version_comes_first_and_each_new_one_once() -> None:
    table = Table(j7="1-a")
    hub = live.Hub(table)

    async def scenario() -> None:
        stream = hub.watch(7, beat=BEAT)
        assert await following(stream) == "1-a"
        table.stamps[7] = "2-b"
        hub.changed(7)
        assert await following(stream) == "2-b"
        hub.changed(7)
        assert await anext(stream) is None, "a bell without a change is no change"
        await stream.aclose()

    run(scenario)


def test_the_bell_of_a_thread_is_heard_long_before_the_next_look() -> None:
    table = Table(j7="1-a")
    hub = live.Hub(table)

    async def scenario() -> None:
        stream = hub.watch(7, beat=5)
        await following(stream)
        await asyncio.sleep(0.02)
        begun = time.monotonic()
        table.stamps[7] = "2-b"
        threading.Thread(target=hub.changed, args=(7,)).start()
        await following(stream)
        assert time.monotonic() - begun < live.LOOK_EVERY_S / 2
        await stream.aclose()

    run(scenario)


def test_a_change_of_another_process_is_found_by_looking() -> None:
    table = Table(j7="1-a")
    hub = live.Hub(table)

    async def scenario() -> None:
        stream = hub.watch(7, beat=5)
        await following(stream)
        table.stamps[7] = "2-b"
        assert await following(stream) == "2-b"
        await stream.aclose()

    run(scenario)


def test_one_look_serves_all_and_nobody_looks_for_nobody() -> None:
    table = Table(j1="a", j2="b")
    hub = live.Hub(table)

    async def scenario() -> None:
        streams = [hub.watch(1 + i % 2, beat=5) for i in range(40)]
        assert {await following(stream) for stream in streams} == {"a", "b"}
        assert len(table.reads) <= 45
        assert {1, 2} in table.reads
        for stream in streams:
            await stream.aclose()
        await asyncio.sleep(0.05)
        seen = len(table.reads)
        await asyncio.sleep(live.LOOK_EVERY_S * 2.5)
        assert len(table.reads) == seen

    run(scenario)


def test_a_stream_outlives_a_database_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    table = Table(j7="1-a")
    hub = live.Hub(table)

    async def scenario() -> None:
        stream = hub.watch(7, beat=BEAT)
        await following(stream)
        table.broken = True
        hub.changed(7)
        assert await anext(stream) is None
        table.broken, table.stamps[7] = False, "2-b"
        assert await following(stream) == "2-b"
        await stream.aclose()

    run(scenario)
    assert "live updates could not read the jobs" in caplog.text


def test_a_change_nobody_watches_costs_nothing() -> None:
    table = Table(j7="1-a")
    live.Hub(table).changed(7)
    assert table.reads == []


def test_the_hub_serves_a_second_event_loop_after_the_first() -> None:
    table = Table(j7="1-a")
    hub = live.Hub(table)

    async def scenario() -> None:
        stream = hub.watch(7, beat=5)
        assert await following(stream) == "1-a"
        await stream.aclose()

    run(scenario)
    run(scenario)


@pytest.mark.redis
def test_redis_carries_the_bell_to_another_process(redis_url: str) -> None:
    table = Table(j7="1-a")
    here = live.Hub(table, RedisBell(redis_url))
    elsewhere = RedisBell(redis_url)

    async def scenario() -> None:
        stream = here.watch(7, beat=5)
        await following(stream)
        while not here._bell.hears:  # type: ignore[union-attr]
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        table.stamps[7] = "2-b"
        begun = time.monotonic()
        elsewhere.ring(7)
        assert await following(stream) == "2-b"
        assert time.monotonic() - begun < live.LOOK_EVERY_WITH_BELL_S / 2
        await stream.aclose()

    run(scenario)


def test_a_redis_that_is_away_is_left_alone_and_pages_look_by_themselves() -> None:
    table = Table(j7="1-a")
    hub = live.Hub(table, RedisBell("redis://127.0.0.1:1/0"))

    async def scenario() -> None:
        stream = hub.watch(7, beat=5)
        await following(stream)
        table.stamps[7] = "2-b"
        assert await following(stream) == "2-b"
        await stream.aclose()

    run(scenario)
    hub.changed(7)
    begun = time.monotonic()
    for _ in range(1000):
        hub.changed(7)
    assert time.monotonic() - begun < 0.5
