"""A QR code as the path of an SVG: one square a module, drawn by the template in the page's own markup."""

from dataclasses import dataclass
from itertools import groupby

import qrcode


@dataclass(frozen=True, slots=True)
class QrCode:
    """`size` modules wide and high; `path` draws the dark ones."""

    size: int
    path: str


def qr_of(text: str) -> QrCode:
    """The code of a text, with the quiet zone of four modules that scanners need."""
    made = qrcode.QRCode(border=4)
    made.add_data(text)
    made.make(fit=True)
    rows = made.get_matrix()
    return QrCode(len(rows), "".join(_row(y, row) for y, row in enumerate(rows)))


def _row(y: int, row: list[bool]) -> str:
    path, x = "", 0
    for dark, run in groupby(row):
        width = len(list(run))
        path += f"M{x} {y}h{width}v1h-{width}z" if dark else ""
        x += width
    return path
