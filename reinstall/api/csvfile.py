"""The rows of a list as a CSV file (RFC 4180) that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse

from reinstall.api.shapes import Shape, cells_of, columns_of, shaper
from reinstall.domain.csvcells import cell


def csv_text(shape: Shape, rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows that are shaped already, one line each under the names of the fields."""
    columns = columns_of(shape)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in cells_of(row, columns)] for row in rows)
    return text.getvalue()


def csv_answer(name: str, shape: Shape, records: Iterable[object]) -> HttpResponse:
    """`records` as the download `name`.csv, one line each under the names of the fields."""
    shaped = shaper(shape)
    text = csv_text(shape, (shaped(record) for record in records))
    answer = HttpResponse(text.encode(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
