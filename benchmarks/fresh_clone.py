"""From `git clone` to the first page, and from a second `make demo` to its first page."""

import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.figures import Figure, median_of
from benchmarks.processes import ROOT, environment, free_port, output_of, python, start

CLONE_GOAL_S, START_GOAL_S = 60.0, 5.0


def measure(quick: bool) -> list[Figure]:
    """Clones HEAD; what is not committed is not measured. The package cache is warm."""
    with tempfile.TemporaryDirectory(prefix="ecsportal-clone-") as folder:
        place = Path(folder) / "clone"
        _warm_cache(Path(folder) / "wheels")
        started = time.perf_counter()
        output_of(["git", "clone", "--quiet", str(ROOT), str(place)], env=environment({}), cwd=Path(folder))
        first = time.perf_counter() - started + _first_page_s(place)
        again = [_first_page_s(place) for _ in range(1 if quick else 5)]
    return [
        Figure("git clone and make demo to the first page", first, "s", CLONE_GOAL_S),
        median_of("make demo again to the first page", again, "s", START_GOAL_S),
    ]


def _warm_cache(folder: Path) -> None:
    """Lets pip fetch every wheel once: what is measured is the portal, not the line to the package index."""
    lock = str(ROOT / "requirements" / "runtime.txt")
    download = python("-m", "pip", "download", "-qq", "--require-hashes", "-r", lock, "-d", str(folder))
    output_of(download, env=environment({}))


def _first_page_s(place: Path) -> float:
    """Seconds from `make demo` to the first page that answers 200."""
    port = free_port()
    started = time.perf_counter()
    demo = start("make demo", ["make", "demo", f"PORT={port}"], env=environment({}), cwd=place)
    try:
        demo.wait_for(lambda: _answers(port), "to answer", patience_s=300)
        return time.perf_counter() - started
    finally:
        demo.end()


def _answers(port: int) -> str:
    try:
        # Scheme and host stand in the line: no file is opened.
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:  # nosec B310
            return "yes" if answer.status == 200 else ""
    except (urllib.error.URLError, ConnectionError):
        return ""
