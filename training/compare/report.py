"""The comparison as files: one table for people (markdown), the same with every figure for programs (JSON)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from models.card import without_nan
from models.whole_files import write_whole
from simulator.world.drive_log import DriveReport
from training.compare.contender import Contender
from training.compare.intervals import Interval, over_seeds
from training.compare.measures import ALL_ENGINES, Latency

ENGINE_TITLES = {"litert": "LiteRT ms", "tensorflow": "TensorFlow ms", "keras": "Keras ms"}

AGREEMENT_TITLES = {
    "mae": "MAE",
    "correlation": "correlation",
    "mae 1 s": "MAE, 1 s means",
    "correlation 1 s": "correlation, 1 s means",
    "bias 1 s": "bias, 1 s means",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One row and all that was measured of it; what was not asked for is empty."""

    contender: Contender
    latency: Mapping[str, Latency]
    agreement: Mapping[str, Interval]
    driving: Mapping[str, Sequence[DriveReport]]

    @property
    def file_bytes(self) -> int:
        """Size of the LiteRT file that serves."""
        return self.contender.served[0].stat().st_size

    def autonomy(self, track: str) -> Interval:
        """Percent of the drive, over seeds."""
        return over_seeds([report.autonomy_percent for report in self.driving[track]])

    def lateral_offset_m(self, track: str) -> Interval:
        """Mean distance from the centre line, over seeds."""
        return over_seeds([report.mean_cte_m for report in self.driving[track]])


def markdown(results: Sequence[Result], zero: Mapping[str, Interval], notes: Sequence[str]) -> str:
    """One table, a line for each row, then the notes. zero: the agreement of always answering 0, or empty."""
    engines = [name for name in ALL_ENGINES if any(name in each.latency for each in results)]
    agreement = [name for name in AGREEMENT_TITLES if any(name in each.agreement for each in results)]
    tracks = list(results[0].driving)
    head = ["network", "seeds", "parameters", "M mult-acc", "file MB"]
    head += [ENGINE_TITLES[name] for name in engines] + [AGREEMENT_TITLES[name] for name in agreement]
    for track in tracks:
        head += [f"autonomy, {track}", f"off road, {track}", f"mean m aside, {track}"]
    lines = [head, ["---"] * len(head)]
    for each in results:
        row = each.contender
        cells = [row.title, str(row.seeds), *_size_cells(each)]
        cells += [_latency_cell(each.latency.get(name)) for name in engines]
        cells += [_cell(each.agreement.get(name), 3) for name in agreement]
        for track in tracks:
            off_road = sum(report.off_road_events for report in each.driving[track])
            cells += [f"{_cell(each.autonomy(track), 1)} %", str(off_road), _cell(each.lateral_offset_m(track), 2)]
        lines.append(cells)
    if zero:
        empty = len(head) - 1 - len(agreement) - 3 * len(tracks)
        cells = [_cell(zero[name], 3) for name in agreement]
        lines.append(["always 0", *["-"] * empty, *cells, *["-"] * 3 * len(tracks)])
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    return table + "\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"


def as_json(results: Sequence[Result], zero: Mapping[str, Interval], notes: Sequence[str]) -> str:
    """Every figure, with null where one is not known."""
    rows = [
        {
            "network": each.contender.name,
            "weights": each.contender.weights or None,
            "models": [str(model) for model in each.contender.models],
            "trained_on": sorted({data.recording for card in each.contender.cards for data in card.data}),
            "file_bytes": each.file_bytes,
            "cost": asdict(each.contender.cost) if each.contender.cost else None,
            "latency": {name: asdict(latency) for name, latency in each.latency.items()},
            "agreement": {name: asdict(interval) for name, interval in each.agreement.items()},
            "driving": {track: [asdict(report) for report in reports] for track, reports in each.driving.items()},
        }
        for each in results
    ]
    always = {name: asdict(interval) for name, interval in zero.items()}
    return json.dumps(without_nan({"rows": rows, "always_zero": always, "notes": list(notes)}), indent=2) + "\n"


def write(results: Sequence[Result], zero: Mapping[str, Interval], notes: Sequence[str], folder: Path) -> str:
    """comparison.md and comparison.json in `folder`, each whole or not at all; returns the markdown."""
    text = markdown(results, zero, notes)
    write_whole(folder / "comparison.md", text.encode())
    write_whole(folder / "comparison.json", as_json(results, zero, notes).encode())
    return text


def _size_cells(each: Result) -> list[str]:
    cost = each.contender.cost
    counts = [f"{cost.parameters:,}", f"{cost.multiply_accumulates / 1e6:.1f}"] if cost else ["-", "-"]
    return [*counts, f"{each.file_bytes / 1e6:.2f}"]


def _latency_cell(latency: Latency | None) -> str:
    return f"{latency.p50_ms:.2f} ({latency.p99_ms:.2f})" if latency else "-"


def _cell(interval: Interval | None, digits: int) -> str:
    if interval is None or math.isnan(interval.value):
        return "-"
    text = f"{interval.value:.{digits}f}"
    return text if math.isnan(interval.low) else f"{text} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
