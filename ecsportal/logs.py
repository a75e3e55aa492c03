"""Logs as events with fields, one line each; for people on a terminal, for machines as JSON."""

from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


_LONGEST = 16_384


def _escaped(_logger: object, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Control characters and line ends in values stay on their line: names come from the cloud.

    A traceback keeps its lines, each indented, so that none of them can pass for an event.
    """
    for key, value in event.items():
        if not isinstance(value, str):
            continue
        if key == "exception":
            event[key] = "\n".join(f"  {_on_one_line(line)}" for line in value.split("\n"))
        else:
            event[key] = _on_one_line(value)[:_LONGEST]
    return event


def _on_one_line(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def logging_config(*, level: str, layout: str) -> dict[str, Any]:
    """The `LOGGING` dictionary. `layout` is text or json."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if layout == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _escaped,
                    renderer,
                ],
            }
        },
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            # It would print every header and body at DEBUG; nothing of that may reach a log.
            "urllib3": {"level": "WARNING"},
            "celery.utils.functional": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "django.utils.autoreload": {"level": "WARNING"},
            "uvicorn.error": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }
