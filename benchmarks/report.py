"""The table on screen and var/bench.json."""

import json
import os
import platform
import sqlite3
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from benchmarks.figures import Figure
from benchmarks.processes import ROOT

FILE = ROOT / "var" / "bench.json"
PACKAGES = ("django", "djangorestframework", "celery", "uvicorn", "requests", "playwright")
COLUMNS = "{:<72} {:>10} {:>10} {:>10} {:>5}  {}"


def show_head() -> None:
    print(COLUMNS.format("", "goal", "measured", "p95", "n", "verdict"))


def show(name: str, figures: list[Figure]) -> None:
    """The rows of one benchmark."""
    print(f"\n{name}")
    for figure in figures:
        print(
            COLUMNS.format(
                f"  {figure.what}" + (f" [{figure.unit}]" if figure.unit else ""),
                "" if figure.goal is None else f"< {figure.goal:g}",
                _short(figure.value),
                "" if figure.p95 is None else _short(figure.p95),
                figure.n,
                figure.verdict,
            ),
            flush=True,
        )


def keep(name: str, figures: list[Figure], *, quick: bool) -> None:
    """Puts the figures of one benchmark into var/bench.json; those of the others stay with their own date."""
    kept: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    measured = kept.get("benchmarks", {})
    measured[name] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "quick": quick,
        "figures": [{**asdict(figure), "verdict": figure.verdict.value} for figure in figures],
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), "benchmarks": measured}, indent=2)
    FILE.write_text(text + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.platform()),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in PACKAGES},
    }


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
