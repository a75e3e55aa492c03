"""What one fault run did, and what the judge said of it."""

from dataclasses import dataclass, field


@dataclass
class Result:
    """What a run did, and what the judge said."""

    kind: str
    database: str
    broker: str
    seed: int
    jobs: int = 0
    kills: int = 0
    mid_call: int = 0
    faults: int = 0
    restarts: int = 0
    pauses: int = 0
    accepted: int = 0
    accepted_twice: int = 0
    wrong_labels: int = 0
    forgotten: int = 0
    checked: int = 0
    seconds: float = 0.0
    states: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
