"""What a service gets to know about one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.clock import Clock
from simulator.gate import Caller
from simulator.jobs import Effects, Order
from simulator.ledger import Ledger
from simulator.messages import Request, Response
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way through a service. `n` is its number in the ledger, `at` our own wall clock."""

    world: World
    clock: Clock
    ledger: Ledger
    request: Request
    params: Mapping[str, str]
    effects: Effects
    request_id: str
    n: int
    at: str
    known: Caller | None

    @property
    def caller(self) -> Caller:
        if self.known is None:
            raise LookupError("this call needs no login, so it has no caller")
        return self.known

    @property
    def project_id(self) -> str:
        return self.params["project_id"]

    def order(self) -> Order:
        """The same call as somebody's wish to have a job done."""
        now = self.clock.now()
        return Order(now, self.project_id, self.caller.user.id, self.request_id, self.effects)


Handler = Callable[[Call], Response]
