"""The published example payloads, read from the data folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Example:
    id: str
    method: str
    path: str
    status: int
    headers: dict[str, str]
    payload: Any

    @property
    def body(self) -> bytes:
        return json.dumps(self.payload).encode()


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text("utf-8"))


def _example(entry: dict[str, Any]) -> Example:
    request, response = entry["request"], entry["response"]
    return Example(
        entry["id"],
        request["method"],
        request["path"],
        response["status"],
        response["headers"],
        response["body"],
    )


EXAMPLES = {entry["id"]: _example(entry) for entry in load("examples.json")["examples"]}
