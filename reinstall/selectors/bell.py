"""Carries "this job changed" between processes through Redis, where there is one. Losing it costs seconds."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

import redis
import redis.asyncio
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

CHANNEL = "ecsportal:jobs"
TIMEOUT_S = 1.0
#: After Redis failed, the one who rings does not wait for it again for this long.
PAUSE_S = 30.0


class Bell(Protocol):
    """Rings in every process that listens."""

    hears: bool

    def ring(self, job_id: int) -> None: ...

    async def listen(self, heard: Callable[[int], None]) -> None: ...


class RedisBell:
    """A bell on one Redis channel. `hears` is True while the subscription stands."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.hears = False
        self._client = redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        self._silent_until = 0.0

    def ring(self, job_id: int) -> None:
        """Publishes; a Redis that is away is left alone for a while, everybody still looks by themselves."""
        if time.monotonic() < self._silent_until:
            return
        try:
            self._client.publish(CHANNEL, str(job_id))
        except (RedisError, OSError) as error:
            self._silent_until = time.monotonic() + PAUSE_S
            log.warning(
                "Redis did not take a live update (%s); pages look by themselves", type(error).__name__
            )

    async def listen(self, heard: Callable[[int], None]) -> None:
        """Calls `heard` for each job rung; tries again for ever when Redis goes away."""
        while True:
            try:
                await self._listen_once(heard)
            except (RedisError, OSError):
                self.hears = False
                await asyncio.sleep(2)
            finally:
                self.hears = False

    async def _listen_once(self, heard: Callable[[int], None]) -> None:
        async with redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=TIMEOUT_S) as client:
            subscription = client.pubsub(ignore_subscribe_messages=True)
            await subscription.subscribe(CHANNEL)
            self.hears = True
            async for message in subscription.listen():
                heard(int(message["data"]))
