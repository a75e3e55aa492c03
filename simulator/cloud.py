"""The whole cloud without its socket: one request in, one answer out."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from email.utils import formatdate

from simulator import routes
from simulator.calls import Call
from simulator.clock import Clock
from simulator.faults import Fault, FaultList
from simulator.gate import Caller, Gate, check_project
from simulator.ids import digest
from simulator.jobs import Effects, run_due
from simulator.ledger import Ledger, Row
from simulator.messages import GatewayRefusal, Refusal, Request, Response
from simulator.records import Accepted
from simulator.scenario import Scenario
from simulator.seeding import build_world
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do about a request: the answer if there is one, the fault if one was planted."""

    response: Response
    fault: Fault | None
    row: Row


class Cloud:
    """World, clock, ledger and faults under one lock. Every public method takes the lock itself."""

    def __init__(self, seed: int, scenario: Scenario, speed: float) -> None:
        self.lock = threading.RLock()
        self.seed = seed
        self.scenario = scenario
        self.start_speed = speed
        self.generation = 0  # grows whenever another world takes the place of this one
        self.reset()

    def reset(self) -> None:
        """Back to the first state of the world; ledger and faults are empty again."""
        with self.lock:
            self.clock = Clock(self.start_speed)
            self.clock.skew_s = self.scenario.clock_skew_s
            # A copy: what a test changes in it is gone with the world.
            self.world = build_world(self.seed, copy.deepcopy(self.scenario))
            self.ledger = Ledger()
            self.faults = FaultList()
            self.gate = Gate(self.clock)
            self.generation += 1

    def adopt(self, world: World, clock: Clock, accepted: list[Accepted]) -> None:
        """Goes on with a world that was saved."""
        with self.lock:
            self.seed, self.scenario = world.seed, world.scenario
            self.world, self.clock, self.gate = world, clock, Gate(clock)
            self.ledger.restore(accepted)
            self.generation += 1

    def settle(self) -> None:
        """Lets everything happen that is due by now."""
        with self.lock:
            run_due(self.world, self.clock.now())

    def meet_head(self, method: str, path: str) -> Fault | None:
        """A fault that acts before the body of this request is read; it is written down as one request."""
        with self.lock:
            fault = self.faults.take(method, path, None)
            if fault is not None:
                self.ledger.open_row(method, path).fault = fault.do
            return fault

    def handle(self, request: Request) -> Outcome:
        """Writes the request down, lets it meet a fault, and has it answered unless the fault forbids it."""
        with self.lock:
            run_due(self.world, self.clock.now())
            row = self.ledger.open_row(request.method, request.target)
            fault = self.faults.take(request.method, request.path, request.body)
            row.fault = fault.do if fault else None
            real = None
            if fault is None or fault.accept:
                real = self._answer(request, row, fault.effects() if fault else Effects())
            if fault is not None and fault.do == "answer":
                real = fault.instead_of(real)
            final = real or Response(200)
            return Outcome(self._dress(final, row), fault, row)

    def _answer(self, request: Request, row: Row, effects: Effects) -> Response:
        try:
            return self._serve(request, row, effects)
        except GatewayRefusal as refusal:
            return refusal.naming(self._request_id(row)).response
        except Refusal as refusal:
            return refusal.response

    def _serve(self, request: Request, row: Row, effects: Effects) -> Response:
        request_id = self._request_id(row)
        found = routes.find(request.method, request.path)
        if found is None:
            text = "The API does not exist or has not been published in the environment"
            raise GatewayRefusal(404, "APIGW.0101", text)
        route, params = found
        caller: Caller | None = None
        if route.login:
            caller = self.gate.identify(self.world, request, route.service)
            row.user = caller.user.name
            self.gate.throttle(self.world, caller, route.kind)
            if "project_id" in params:
                check_project(self.world, caller, request, params["project_id"])
        call = Call(
            world=self.world,
            clock=self.clock,
            ledger=self.ledger,
            request=request,
            params=params,
            effects=effects,
            request_id=request_id,
            n=row.n,
            at=row.at,
            known=caller,
        )
        return route.handler(call)

    def _request_id(self, row: Row) -> str:
        return digest(self.seed, "request", row.n, row.at)[:16].hex()

    def _dress(self, response: Response, row: Row) -> Response:
        """Adds what every answer of the gateway has."""
        headers = {
            "Date": formatdate(self.clock.gateway_now(), usegmt=True),
            "Server": "api-gateway",
            "X-Request-Id": self._request_id(row),
            **response.headers,
        }
        return Response(response.status, response.body, headers)
