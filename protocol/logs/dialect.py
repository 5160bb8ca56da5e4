"""Recognises by its first lines how a driving log is written: header, delimiter, index column, decimal commas."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from protocol.logs.columns import Columns, read_header
from protocol.logs.row import extra_columns, without_index

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
PATHS = {r"[A-Za-z]:|\\\\": "Windows paths", "/": "Unix paths", r".*[/\\]": "relative paths"}
LINES = 200
UDACITY_COLUMNS = 7


@dataclass(frozen=True, slots=True)
class LogDialect:
    """How a log is written. delimiter: between its cells; columns: its header, None if it has none.

    text: the same in words, such as `no header, commas, 7 columns, Windows paths`. notes: a line for each way in which
    the log differs from Udacity's own.
    """

    delimiter: str
    columns: Columns | None
    text: str
    notes: tuple[str, ...]

    def rows(self, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Split the lines of the log into rows; yields the line's number, from 1, and the cells."""
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)
        is_header = self.columns is not None
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not is_header:
                yield reader.line_num, cells
            is_header = False


def sniff_dialect(lines: Sequence[str]) -> LogDialect:
    """Recognise the dialect of a log's lines.

    The first line with text shows the delimiter, the most frequent of its commas, semicolons and tabs. The first row
    shows the style of its paths. All of the first LINES lines show the column counts, because the rows of a
    decimal-comma log differ in length.
    """
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    table = [row for row in csv.reader(lines[:LINES], delimiter=delimiter, skipinitialspace=True) if any(row)]
    columns = read_header(table[0]) if table else None
    rows = table[columns is not None :]
    header_notes = tuple(columns.notes()) if columns else ()
    if not rows:
        return LogDialect(delimiter, columns, "no rows", header_notes)
    by_name = columns is not None and columns.fits(rows[0])
    cells = rows[0] if by_name else without_index(rows[0])
    index, extra = len(rows[0]) - len(cells), 0 if by_name else extra_columns(cells)
    counts = sorted({len(row) for row in rows})
    is_broken = delimiter == "," and not by_name and not extra and counts[-1] - index > UDACITY_COLUMNS
    path = cells[columns.places["center"] if by_name and columns else 0].strip()
    text = (
        "a header" if columns else "no header",
        DELIMITERS[delimiter],
        f"{'-'.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))} columns",
        *(("decimal commas",) if is_broken or (delimiter != "," and "," in "".join(cells[3:])) else ()),
        next((style for pattern, style in PATHS.items() if re.match(pattern, path)), "bare names"),
    )
    return LogDialect(delimiter, columns, ", ".join(text), (*header_notes, *_column_notes(index, extra)))


def _column_notes(index: int, extra: int) -> Iterator[str]:
    if index:
        yield "the log's first column counts the rows, as pandas writes it; it is not read"
    if extra:
        columns = "1 column after the speed is" if extra == 1 else f"{extra} columns after the speed are"
        yield f"{columns} not read"
