"""The rows of a list as a CSV file (RFC 4180) that a spreadsheet opens without running anything."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse

from reinstall.api.shapes import Shape, cells_of, columns_of, shaper

#: A cell that starts so is a formula to a spreadsheet (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_answer(name: str, shape: Shape, records: Iterable[object]) -> HttpResponse:
    """`records` as the download `name`.csv, one line each under the names of the fields."""
    columns = columns_of(shape)
    shaped = shaper(shape)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in cells_of(shaped(record), columns)] for record in records)
    answer = HttpResponse(text.getvalue().encode(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


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
