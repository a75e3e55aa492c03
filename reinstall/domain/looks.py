"""How each state is shown: word, icon and tone together, never colour alone. Written here only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """The five meanings a colour may have, and the one for the simulator."""

    OK = "ok"
    RUN = "run"
    ATTN = "attn"
    BAD = "bad"
    IDLE = "idle"
    SIM = "sim"


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is shown: `icon` is a symbol of img/status.svg, `word` is what stands beside it."""

    tone: Tone
    icon: str
    word: str

    @property
    def spins(self) -> bool:
        """True while something goes on by itself."""
        return self.icon == "s-run"


T = Tone

#: Kind of thing, its state, how that is shown.
LOOKS: Mapping[str, Mapping[str, Look]] = {
    "job": {
        "awaiting_approval": Look(T.ATTN, "s-hand", "Waiting for approval"),
        "queued": Look(T.IDLE, "s-queued", "Queued"),
        "preflight": Look(T.RUN, "s-run", "Checking"),
        "stopping": Look(T.RUN, "s-run", "Stopping the server"),
        "submitting": Look(T.RUN, "s-run", "Sending"),
        "uncertain": Look(T.ATTN, "s-unknown", "Outcome unknown"),
        "running": Look(T.RUN, "s-run", "Running"),
        "verifying": Look(T.RUN, "s-run", "Verifying"),
        "attention": Look(T.ATTN, "s-warn", "Needs a look"),
        "succeeded": Look(T.OK, "s-ok", "Succeeded"),
        "failed": Look(T.BAD, "s-bad", "Failed"),
        "rejected": Look(T.BAD, "s-bad", "Refused"),
        "not_applied": Look(T.IDLE, "s-skip", "Never started"),
        "cancelled": Look(T.IDLE, "s-cancel", "Cancelled"),
        "expired": Look(T.IDLE, "s-clock", "Ran out of time"),
    },
    "step": {
        "todo": Look(T.IDLE, "s-todo", "Not started"),
        "active": Look(T.RUN, "s-run", "Going on"),
        "done": Look(T.OK, "s-ok", "Done"),
        "failed": Look(T.BAD, "s-bad", "Failed"),
        "unknown": Look(T.ATTN, "s-unknown", "Outcome unknown"),
        "skipped": Look(T.IDLE, "s-skip", "Left out"),
    },
    "server": {
        "running": Look(T.OK, "s-on", "Running"),
        "stopped": Look(T.IDLE, "s-off", "Stopped"),
        "reinstalling": Look(T.RUN, "s-run", "Reinstalling"),
        "temporary": Look(T.IDLE, "s-todo", "Temporary"),
        "gone": Look(T.IDLE, "s-cancel", "Gone"),
        "error": Look(T.BAD, "s-bad", "Error"),
        "other": Look(T.IDLE, "s-clock", "Busy"),
    },
    "check": {
        "passed": Look(T.OK, "s-ok", "passed"),
        "to_know": Look(T.ATTN, "s-warn", "to know"),
        "must_fix": Look(T.BAD, "s-bad", "must be fixed"),
    },
    "probe": {
        "waiting": Look(T.IDLE, "s-todo", "not yet"),
        "going_on": Look(T.RUN, "s-run", "going on"),
        "passed": Look(T.OK, "s-ok", "passed"),
        "warned": Look(T.ATTN, "s-warn", "to know"),
        "failed": Look(T.BAD, "s-bad", "failed"),
        "not_tried": Look(T.IDLE, "s-skip", "not tried"),
    },
    "grade": {
        "": Look(T.IDLE, "s-skip", "Proves nothing by itself"),
        "E1": Look(T.OK, "s-ok", "Proves: it ran, and the cloud names its job"),
        "E1'": Look(T.BAD, "s-bad", "Proves: the cloud refused it"),
        "E2": Look(T.ATTN, "s-warn", "Points to: it ran"),
        "E3": Look(T.ATTN, "s-warn", "Points to: it is running"),
        "E4": Look(T.IDLE, "s-cancel", "Proves: it never started, and cannot any more"),
        "E4'": Look(T.IDLE, "s-cancel", "Points to: it never started. There is no proof"),
        "E5": Look(T.BAD, "s-bad", "Contradicts itself, or somebody else was at work"),
    },
    "disk": {
        "wiped": Look(T.BAD, "s-bad", "Wiped"),
        "kept": Look(T.OK, "s-ok", "Stays"),
        "missing": Look(T.BAD, "s-bad", "Missing"),
        "replaced": Look(T.OK, "s-ok", "New"),
        "unchanged": Look(T.OK, "s-ok", "Unchanged"),
        "changed": Look(T.BAD, "s-warn", "Not the same"),
    },
    "approval": {
        "open": Look(T.ATTN, "s-hand", "Waiting for approval"),
        "approved": Look(T.OK, "s-ok", "Approved"),
        "overridden": Look(T.BAD, "s-warn", "Emergency override"),
        "declined": Look(T.BAD, "s-bad", "Declined"),
        "withdrawn": Look(T.IDLE, "s-cancel", "Withdrawn"),
        "expired": Look(T.IDLE, "s-clock", "Expired"),
        "void": Look(T.BAD, "s-bad", "Void"),
    },
    "verdict": {
        "armed": Look(T.RUN, "s-run", "Being sent"),
        "not_sent": Look(T.IDLE, "s-skip", "Never left this portal"),
        "throttled": Look(T.IDLE, "s-clock", "Cloud asked to wait"),
        "auth_refused": Look(T.BAD, "s-bad", "Credentials refused"),
        "rejected": Look(T.BAD, "s-bad", "Refused"),
        "accepted": Look(T.OK, "s-ok", "Accepted"),
        "unknown": Look(T.ATTN, "s-unknown", "No clear answer"),
    },
}


def look_of(kind: str, state: str) -> Look:
    """How `state` of a `kind` is shown. A state nobody here knows is shown raw, as a waiting one."""
    known = LOOKS[kind].get(str(state))
    return known or Look(T.IDLE, "s-todo", str(state).replace("_", " ").capitalize() or "Not known")
