"""`python -m benchmarks [NAME ...] [--quick]`: measures, prints a table, writes var/bench.json."""

import argparse
import sys

from benchmarks import (
    audit,
    click_to_cloud,
    cloud_to_dom,
    form,
    fresh_clone,
    growth,
    idle,
    intervals,
    lists,
    report,
    signing_in,
    submitting,
    syncing,
    watching,
)
from benchmarks.figures import NotMeasured
from benchmarks.processes import Failed

BENCHMARKS = {
    "fresh_clone": fresh_clone.measure,
    "idle": idle.measure,
    "click_to_cloud": click_to_cloud.measure,
    "cloud_to_dom": cloud_to_dom.measure,
    "form": form.measure,
    "submitting": submitting.measure,
    "syncing": syncing.measure,
    "lists": lists.measure,
    "intervals": intervals.measure,
    "watching": watching.measure,
    "steady": watching.steady,
    "growth": growth.measure,
    "audit": audit.measure,
    "signing_in": signing_in.measure,
}


def main() -> int:
    """0 when everything was measured, whether or not it met its goal; 1 when something could not be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the portal costs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without")
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    report.show_head()
    # A list, not a generator: one that fails must not keep the next from running.
    return max([_run(name, given.quick) for name in given.names or BENCHMARKS])


def _run(name: str, quick: bool) -> int:
    try:
        figures = BENCHMARKS[name](quick)
    except NotMeasured as reason:
        print(f"\n{name}\n  not measured: {reason}", flush=True)
        return 1
    except Failed as reason:
        print(f"\n{name} failed: {reason}", file=sys.stderr, flush=True)
        return 1
    report.show(name, figures)
    report.keep(name, figures, quick=quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
