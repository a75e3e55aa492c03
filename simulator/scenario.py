"""What a run of the simulator may choose: profile, sizes, pace, limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any


class BadInput(ValueError):
    """Input of the person at the controls that cannot be used; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How one cloud of the family reads a reinstall."""

    name: str
    needs_key: bool  # keyname and userid are both mandatory
    needs_login: bool  # a key, a password or user data must be given
    allows_password: bool
    allows_mode: bool  # withStopServer makes a running server acceptable
    strict_byol: bool  # any BYOL value but "true" is an error
    has_v1: bool


PROFILES = {
    "huawei": Profile("huawei", False, True, True, True, True, True),
    "otc": Profile("otc", True, True, False, False, False, False),
    "swiss": Profile("swiss", False, False, False, True, False, True),
}
THROTTLE_CLASSES = ("reinstall", "action", "list", "job", "other")


@dataclass
class Scenario:
    """Every field may stand in the JSON of `--scenario`; what is left out keeps its default."""

    profile: str = "huawei"
    region: str = "sim-1"
    servers: dict[str, int] = field(default_factory=lambda: {"shop-prod": 24, "shop-staging": 8})
    names: dict[str, list[str]] = field(default_factory=dict)
    deny: dict[str, list[str]] = field(default_factory=dict)
    throttle: dict[str, int] = field(default_factory=dict)
    volume_quota: int | None = None
    byol: bool = True
    evs_may_use_kms: bool = True
    job_median_s: float = 100.0
    job_sigma: float = 0.35
    flat_jobs: bool = False
    clock_skew_s: float = 0.0
    cts: str = "on"  # off: nothing is recorded and lists are empty; refused: nobody may read it
    cts_late_s: float = 0.0  # how much later than usual a record shows
    cts_duplicates: bool = False  # every record comes twice, with one id

    @property
    def rules(self) -> Profile:
        return PROFILES[self.profile]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _check_value(name: str, value: object, default: object) -> None:
    if name == "volume_quota":
        good = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    elif isinstance(default, bool):
        good = isinstance(value, bool)
    elif isinstance(default, float):
        good = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        good = isinstance(value, type(default))
    if not good:
        wanted = "a whole number or null" if name == "volume_quota" else type(default).__name__
        raise BadInput(f"scenario: {name} must be of type {wanted}")


def _check_meaning(scenario: Scenario) -> None:
    if scenario.profile not in PROFILES:
        raise BadInput(f"scenario: profile must be one of {', '.join(PROFILES)}")
    for name, count in scenario.servers.items():
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 200_000:
            raise BadInput(f"scenario: servers.{name} must be a whole number from 0 to 200000")
    for name, limit in scenario.throttle.items():
        if name not in THROTTLE_CLASSES or not isinstance(limit, int) or limit < 1:
            raise BadInput(
                f"scenario: throttle takes {', '.join(THROTTLE_CLASSES)}, each a number per minute"
            )
    if scenario.cts not in ("on", "off", "refused") or scenario.cts_late_s < 0:
        raise BadInput("scenario: cts must be on, off or refused, and cts_late_s 0 or more")
    if scenario.job_median_s <= 0 or not 0 <= scenario.job_sigma <= 2:
        raise BadInput("scenario: job_median_s must be above 0 and job_sigma from 0 to 2")


def scenario_from(data: object) -> Scenario:
    """Reads a parsed JSON object. Raises BadInput with a sentence that names the field."""
    if not isinstance(data, Mapping):
        raise BadInput("scenario: a JSON object is wanted")
    defaults = Scenario()
    known = {f.name for f in fields(Scenario)}
    for name, value in data.items():
        if name not in known:
            raise BadInput(f"scenario: {name} is not known; known are {', '.join(sorted(known))}")
        _check_value(name, value, getattr(defaults, name))
    chosen = dict(data)
    chosen["servers"] = {**defaults.servers, **chosen.get("servers", {})}
    scenario = Scenario(**chosen)
    _check_meaning(scenario)
    return scenario


def scenario_from_file(path: Path) -> Scenario:
    """Reads a scenario file. Raises BadInput when it cannot be read or understood."""
    try:
        return scenario_from(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BadInput(f"scenario: {path} cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise BadInput(f"scenario: {path} is not JSON: {error}") from error
