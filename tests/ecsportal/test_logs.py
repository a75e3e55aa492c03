"""One event, one line, whatever the cloud puts into a name; a traceback cannot pass for an event."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from ecsportal.logs import logging_config

HOSTILE = "web-1\n2026-01-01T00:00:00Z [info] job=1 succeeded\r\x1b[2Jx\u202e\0"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What a formatter of ours writes; the logging of the test run itself is left alone."""
    written = io.StringIO()
    yield written
    for handler in list(logging.getLogger("tried").handlers):
        logging.getLogger("tried").removeHandler(handler)


def logger(stream: io.StringIO, layout: str) -> logging.Logger:
    formatter = dict(logging_config(level="INFO", layout=layout)["formatters"]["line"])
    made = formatter.pop("()")(**formatter)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(made)
    tried = logging.getLogger("tried")
    tried.addHandler(handler)
    tried.propagate = False
    tried.setLevel(logging.INFO)
    return tried


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_hostile_name_stays_on_its_line(layout: str, stream: io.StringIO) -> None:
    log = logger(stream, layout)
    log.info("server %s was read", HOSTILE)
    log.info("read", extra={"server": HOSTILE})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.isprintable(), line
        assert "job=1 succeeded" in line


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_traceback_with_a_hostile_name_forges_no_event(layout: str, stream: io.StringIO) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logger(stream, layout).exception("a step failed")
    first, *rest = stream.getvalue().splitlines()
    assert "a step failed" in first
    assert all(line.startswith("  ") and line.isprintable() for line in rest)
    assert "ValueError" in stream.getvalue()


def test_json_lines_are_json_with_fields(stream: io.StringIO) -> None:
    logger(stream, "json").warning("said %s", "сервер", extra={"job": 7})
    event = json.loads(stream.getvalue())
    assert (event["event"], event["level"], event["logger"], event["job"]) == (
        "said сервер",
        "warning",
        "tried",
        7,
    )
    assert event["timestamp"].endswith("Z")


def test_a_very_long_value_is_cut(stream: io.StringIO) -> None:
    logger(stream, "text").info("x" * 100_000)
    # The test run formats the record first, which makes the text a field of its own as well.
    assert len(stream.getvalue()) < 40_000


def test_libraries_that_would_print_headers_are_kept_quiet() -> None:
    quiet = logging_config(level="DEBUG", layout="text")["loggers"]
    assert quiet["urllib3"]["level"] == "WARNING"
