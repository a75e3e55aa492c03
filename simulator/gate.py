"""The API gateway: who is calling, may they, and not too often."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from simulator.clock import Clock
from simulator.messages import GatewayRefusal, Refusal, Request, ecs_refusal, iam_refusal, kms_refusal
from simulator.records import Token, User
from simulator.signing import BadSignature, Claim, read_claim, verify
from simulator.world import World

TRIES_BEFORE_LOCK = 5
LOCK_S = 300.0
LOGIN = "Incorrect IAM authentication information: "
APP = "Incorrect app authentication information: "


@dataclass(frozen=True, slots=True)
class Caller:
    """A user that proved itself; `token` is None when the request was signed."""

    user: User
    token: Token | None
    x_sdk_date: str | None


@dataclass
class Gate:
    """Remembers wrong tries and call rates; nothing of it is worth saving."""

    clock: Clock
    wrong_tries: dict[str, int] = field(default_factory=dict)
    locked_until: dict[str, float] = field(default_factory=dict)
    calls: defaultdict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def identify(self, world: World, request: Request, service: str) -> Caller:
        """Finds the caller by signature or token. Raises Refusal in the shape of the service."""
        authorization = request.headers.get("authorization", "")
        if authorization.startswith("SDK-HMAC-SHA256"):
            return self._by_signature(world, request, authorization)
        value = request.headers.get("x-auth-token")
        if value:
            return self._by_token(world, value, service)
        if service == "iam":
            raise iam_refusal(401, "Unauthorized", "The request you have made requires authentication.")
        raise GatewayRefusal(401, "APIGW.0301", LOGIN + "x-auth-token not found")

    def _by_token(self, world: World, value: str, service: str) -> Caller:
        token = world.tokens.get(value)
        alive = token is not None and token.expires_at > self.clock.login_now()
        if token is None or not alive:
            if token is not None and service == "kms":
                raise kms_refusal(403, "KMS.0303", "X-Auth-Token expired.")
            if service == "iam":
                raise iam_refusal(401, "Unauthorized", "The token is invalid or has expired.")
            raise GatewayRefusal(401, "APIGW.0301", LOGIN + "decrypt token fail")
        return Caller(world.users[token.user_id], token, None)

    def _by_signature(self, world: World, request: Request, authorization: str) -> Caller:
        try:
            claim = read_claim(authorization)
            user = world.user_by_access_key(claim.access_key)
            if user is None:
                raise BadSignature("ak not exist")
            self._check_signature(request, claim, user)
        except BadSignature as error:
            if error.expired:
                raise GatewayRefusal(401, "APIGW.0303", APP + str(error)) from None
            raise GatewayRefusal(401, "APIGW.0301", LOGIN + str(error)) from None
        return Caller(user, None, request.headers.get("x-sdk-date"))

    def _check_signature(self, request: Request, claim: Claim, user: User) -> None:
        """Five wrong signatures in a row shut the access key out for five minutes."""
        key, now = claim.access_key, self.clock.login_now()
        if self.locked_until.get(key, 0.0) > now:
            raise BadSignature("AK access failed to reach the limit, forbidden")
        try:
            verify(request, claim, user.secret_key, self.clock.gateway_now())
        except BadSignature as error:
            if not error.expired:
                self._count_wrong_try(key, now)
            raise
        self.wrong_tries.pop(key, None)

    def _count_wrong_try(self, key: str, now: float) -> None:
        self.wrong_tries[key] = self.wrong_tries.get(key, 0) + 1
        if self.wrong_tries[key] >= TRIES_BEFORE_LOCK:
            self.wrong_tries.pop(key)
            self.locked_until[key] = now + LOCK_S

    def throttle(self, world: World, caller: Caller, kind: str) -> None:
        """Counts the call and refuses it when the caller's limit for this minute is used up."""
        limit = world.scenario.throttle.get(kind)
        if limit is None:
            return
        now = self.clock.login_now()
        seen = self.calls[(caller.user.id, kind)]
        while seen and seen[0] <= now - 60.0:
            seen.popleft()
        if len(seen) >= limit:
            text = f"policy user over ratelimit,limit:{limit},time:1 minute"
            raise GatewayRefusal(429, "APIGW.0308", "The throttling threshold has been reached: " + text)
        seen.append(now)


def check_project(world: World, caller: Caller, request: Request, project_id: str) -> None:
    """A project in the address must be one of the caller's, and the one its login is for."""
    if project_id not in caller.user.project_ids:
        raise _policy("this project's resources to be used")
    if caller.token is not None and caller.token.project_id != project_id:
        raise ecs_refusal("Ecs.0023")
    named = request.headers.get("x-project-id")
    if caller.token is None and named is not None and named != project_id:
        raise ecs_refusal("Common.0018")


def check_action(caller: Caller, action: str) -> None:
    """Raises the 403 of the policy service when the user's rights leave the action out."""
    if action in caller.user.denied:
        raise _policy(f"{action} to be performed")


def _policy(what: str) -> Refusal:
    return ecs_refusal("Pdp.0001", f"Policy doesn't allow {what}.")
