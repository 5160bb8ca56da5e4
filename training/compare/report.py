"""The report writes the comparison as a table for people (Markdown), and with all figures for programs (JSON)."""

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

ENGINE_TITLES = {"litert": "LiteRT ms", "onnx": "ONNX ms", "tensorflow": "TensorFlow ms", "keras": "Keras ms"}

AGREEMENT_TITLES = {
    "mae": "MAE",
    "correlation": "correlation",
    "mae 1 s": "MAE, 1 s means",
    "correlation 1 s": "correlation, 1 s means",
    "bias 1 s": "bias, 1 s means",
}

DRIVING_TITLES = ("autonomy", "off road", "wheels off", "mean offset m")


@dataclass(frozen=True, slots=True)
class Result:
    """One row and all its measurements; those that were not requested are empty."""

    contender: Contender
    latency: Mapping[str, Latency]
    agreement: Mapping[str, Interval]
    driving: Mapping[str, Sequence[DriveReport]]

    @property
    def file_bytes(self) -> int:
        """The size of the file that drives."""
        return self.contender.served[0].path.stat().st_size

    def autonomy(self, track: str) -> Interval:
        """The percentage of autonomous driving, over seeds."""
        return over_seeds([report.autonomy_percent for report in self.driving[track]])

    def lateral_offset_m(self, track: str) -> Interval:
        """The mean lateral offset in metres, over seeds."""
        return over_seeds([report.mean_cte_m for report in self.driving[track]])


def markdown(results: Sequence[Result], zero: Mapping[str, Interval], notes: Sequence[str]) -> str:
    """Format one table, with a line for each row, and the notes. zero: agreement of always answering 0, or empty."""
    engines = [name for name in ALL_ENGINES if any(name in result.latency for result in results)]
    agreement = [name for name in AGREEMENT_TITLES if any(name in result.agreement for result in results)]
    tracks = list(results[0].driving)
    head = ["network", "seeds", "parameters", "M mult-acc", "file MB"]
    head += [ENGINE_TITLES[name] for name in engines] + [AGREEMENT_TITLES[name] for name in agreement]
    for track in tracks:
        head += [f"{title}, {track}" for title in DRIVING_TITLES]
    lines = [head, ["---"] * len(head)]
    for result in results:
        row = result.contender
        cells = [row.title, str(row.seeds), *_size_cells(result)]
        cells += [_latency_cell(result.latency.get(name)) for name in engines]
        cells += [_cell(result.agreement.get(name), 3) for name in agreement]
        for track in tracks:
            off_road = sum(report.off_road_events for report in result.driving[track])
            wheels_off = sum(report.wheels_off_events or 0 for report in result.driving[track])
            cells += [f"{_cell(result.autonomy(track), 1)} %", str(off_road), str(wheels_off)]
            cells.append(_cell(result.lateral_offset_m(track), 2))
        lines.append(cells)
    if zero:
        empty = len(head) - 1 - len(agreement) - len(DRIVING_TITLES) * len(tracks)
        cells = [_cell(zero[name], 3) for name in agreement]
        lines.append(["always 0", *["-"] * empty, *cells, *["-"] * len(DRIVING_TITLES) * len(tracks)])
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    return table + "\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"


def as_json(results: Sequence[Result], zero: Mapping[str, Interval], notes: Sequence[str]) -> str:
    """Format every figure as JSON, with null where a figure is unknown."""
    rows = [
        {
            "network": result.contender.name,
            "weights": result.contender.weights or None,
            "models": [str(model) for model in result.contender.models],
            "trained_on": sorted({data.recording for card in result.contender.cards for data in card.data}),
            "file_bytes": result.file_bytes,
            "cost": asdict(result.contender.cost) if result.contender.cost else None,
            "latency": {name: asdict(latency) for name, latency in result.latency.items()},
            "agreement": {name: asdict(interval) for name, interval in result.agreement.items()},
            "driving": {track: [asdict(report) for report in reports] for track, reports in result.driving.items()},
        }
        for result in results
    ]
    always = {name: asdict(interval) for name, interval in zero.items()}
    return json.dumps(without_nan({"rows": rows, "always_zero": always, "notes": list(notes)}), indent=2) + "\n"


def write(results: Sequence[Result], zero: Mapping[str, Interval], notes: Sequence[str], folder: Path) -> str:
    """Write comparison.md and comparison.json in `folder`, each whole or not at all; returns the Markdown."""
    text = markdown(results, zero, notes)
    write_whole(folder / "comparison.md", text.encode())
    write_whole(folder / "comparison.json", as_json(results, zero, notes).encode())
    return text


def _size_cells(result: Result) -> list[str]:
    cost = result.contender.cost
    counts = [f"{cost.parameters:,}", f"{cost.multiply_accumulates / 1e6:.1f}"] if cost else ["-", "-"]
    return [*counts, f"{result.file_bytes / 1e6:.2f}"]


def _latency_cell(latency: Latency | None) -> str:
    return f"{latency.p50_ms:.2f} ({latency.p99_ms:.2f})" if latency else "-"


def _cell(interval: Interval | None, digits: int) -> str:
    if interval is None or math.isnan(interval.value):
        return "-"
    text = f"{interval.value:.{digits}f}"
    return text if math.isnan(interval.low) else f"{text} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
