"""Values as the cells of a CSV file that a spreadsheet opens without running anything."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: A cell that starts so is a formula to a spreadsheet (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> str:
    """One value as the text of a cell; what a spreadsheet would take for a formula gets an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = "; ".join(value)
    elif isinstance(value, list | Mapping):
        value = json.dumps(value, default=cell, ensure_ascii=False)
    text = str(value).replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
