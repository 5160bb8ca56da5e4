"""The parts of a preprocessing that an input's shape leaves open, each with the choices that public models make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from protocol.messages import FRAME_COLUMNS, FRAME_ROWS

COLOURS = ("rgb", "yuv", "bgr", "hsv", "yuv-bgr", "hls", "lab")
NVIDIA = (66, 200, 3)
NVIDIA_COLOURS = ("yuv", "yuv-bgr", "rgb", "bgr", "hsv", "hls", "lab")
CHANNELS = ("grey", "s-of-hsv", "v-of-hsv", "s-of-hls", "l-of-hls", "y-of-yuv", "r-of-rgb", "g-of-rgb", "b-of-rgb")
"""The usual ones first; so do the networks of NVIDIA's shape have an order of their own."""

SCALES = ("scale=1/255", "scale=1/127.5, offset=-1", "scale=1/255, offset=-0.5", "", "standardise")
"""The last steps of networks that do not scale their pixels; "" leaves 0 to 255."""

NVIDIA_SCALES = (0.0, 0.1, 0.1, 0.1, 0.12)
OTHER_SCALES = (0.0, 0.01, 0.01, 0.02, 0.08)
"""How unusual each of SCALES is, see `rarity`."""

CROPS = ((60, 135), (60, 140), (0, 160), (40, 140), (80, 140))
MORE_CROPS = ((50, 140), (55, 135), (70, 140), (34, 136), (20, 140), (60, 160), (53, 160), (65, 135))
MARGINS = ((0, 320), (20, 300), (10, 310), (50, 270), (60, 260))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One preprocessing to try. rows, columns: of the crop; size: of the network's input."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    size: tuple[int, int]
    colour: str
    scale: str
    blur: bool = False
    area: bool = False

    @property
    def pixels(self) -> str:
        """The steps before the scaling."""
        return self._steps(f"colour={self.colour}" if self.colour != "rgb" else "")

    @property
    def shape(self) -> str:
        """The steps before the scaling without the colour. A colour may as well be converted before a crop."""
        return self._steps("")

    def _steps(self, colour: str) -> str:
        height, width = self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]
        steps = (
            f"rows={self.rows[0]}:{self.rows[1]}" if height < FRAME_ROWS else "",
            f"columns={self.columns[0]}:{self.columns[1]}" if width < FRAME_COLUMNS else "",
            colour,
            "blur=3" if self.blur else "",
            f"{'area' if self.area else 'size'}={self.size[0]}x{self.size[1]}" if self.size != (height, width) else "",
        )
        return ", ".join(filter(None, steps))

    @property
    def text(self) -> str:
        """The whole preprocessing, as --preprocess takes it."""
        return ", ".join(filter(None, (self.pixels, self.scale)))

    @property
    def may_be_cropped(self) -> bool:
        """Whether the input is neither the whole frame nor a crop that is not resized."""
        return self.size[1] != FRAME_COLUMNS

    @property
    def shrinks(self) -> bool:
        """Whether the mean over areas is possible."""
        return self.size[0] <= self.rows[1] - self.rows[0] and self.size[1] <= self.columns[1] - self.columns[0]

    def is_like(self, other: Candidate) -> bool:
        """Whether both show the network about the same: one colour and scaling, crops that differ by a few rows."""
        ends = zip((*self.rows, *self.columns), (*other.rows, *other.columns), strict=True)
        return (self.colour, self.scale) == (other.colour, other.scale) and all(abs(a - b) <= 20 for a, b in ends)


def coarse(shape: tuple[int, int, int], scales: Sequence[str]) -> list[list[Candidate]]:
    """Groups of candidates for an input of this shape; a group differs in the scaling alone, which is of `scales`."""
    colours = COLOURS[:4] if shape[2] == 3 else CHANNELS[:4]
    return [
        [Candidate(rows, (0, FRAME_COLUMNS), shape[:2], colour, scale) for scale in scales]
        for rows in _crops(shape[:2])
        for colour in colours
    ]


def usual(shape: tuple[int, int, int], scales: Sequence[str]) -> Candidate:
    """What most public networks of this input want. scales: the possible last steps, the likeliest one first."""
    nvidia = shape == NVIDIA
    colour = "yuv" if nvidia else COLOURS[0] if shape[2] == 3 else CHANNELS[0]
    return Candidate(_crops(shape[:2])[0], (0, FRAME_COLUMNS), shape[:2], colour, scales[0], nvidia)


def rarity(candidate: Candidate) -> float:
    """How unusual a candidate is, as the correlation that it must gain to be preferred.

    Some hundredths of correlation may come from a crop or a scaling that happens to suit this driver or this camera; a
    wrong one mostly costs tenths. The figures were chosen on public models whose pixels are known. Most 66x200 networks
    follow NVIDIA's, on YUV pixels of the rows 60 to 135, and those that do not scale their pixels want x/255.
    """
    nvidia = (*candidate.size, 3) == NVIDIA and candidate.colour in COLOURS
    colours = NVIDIA_COLOURS if nvidia else COLOURS if candidate.colour in COLOURS else CHANNELS
    rare = (0.01 if nvidia and not candidate.scale else 0.025) * colours.index(candidate.colour)
    if candidate.may_be_cropped and candidate.rows not in (CROPS[:1] if nvidia else CROPS[:3]):
        rare += 0.08 if candidate.rows in (*CROPS, *MORE_CROPS) else 0.1
    if candidate.scale:
        rare += (NVIDIA_SCALES if nvidia else OTHER_SCALES)[SCALES.index(candidate.scale)]
    rare += 0.01 * candidate.area + 0.01 * (candidate.blur and not nvidia)
    return rare + 0.08 * (candidate.columns != (0, FRAME_COLUMNS))


def _crops(size: tuple[int, int]) -> list[tuple[int, int]]:
    """The crops to try for an input of this size; the whole frame needs none."""
    rows, columns = size
    if size == (FRAME_ROWS, FRAME_COLUMNS):
        return [(0, FRAME_ROWS)]
    if columns == FRAME_COLUMNS and rows < FRAME_ROWS:  # a crop without a resizing
        return [(first, first + rows) for first in range(0, FRAME_ROWS - rows + 1, 10)]
    return list(CROPS)


def _colours(best: Candidate) -> list[Candidate]:
    return [replace(best, colour=colour) for colour in (COLOURS if best.colour in COLOURS else CHANNELS)]


def _rows(best: Candidate) -> list[Candidate]:
    return [replace(best, rows=rows) for rows in (*CROPS, *MORE_CROPS)] if best.may_be_cropped else []


def _columns(best: Candidate) -> list[Candidate]:
    return [replace(best, columns=columns) for columns in MARGINS] if best.may_be_cropped else []


def _moved(best: Candidate) -> list[Candidate]:
    """Crops whose first or last row lies a little higher or lower, or both."""
    ends = [
        (best.rows[0] + first * step, best.rows[1] + end * step)
        for step in (10, 5)
        for first, end in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1))
    ]
    crops = [(first, end) for first, end in ends if 0 <= first < end - 15 and end <= FRAME_ROWS]
    return [replace(best, rows=rows) for rows in crops] if best.may_be_cropped else []


def _smoothing(best: Candidate) -> list[Candidate]:
    return [replace(best, area=best.shrinks), replace(best, blur=True)]


def variations(scales: Sequence[str]) -> list[Callable[[Candidate], list[Candidate]]]:
    """Functions that vary one part of a candidate each, in the order in which to try them."""

    def scaled(best: Candidate) -> list[Candidate]:
        return [replace(best, scale=scale) for scale in scales]

    return [_colours, scaled, _rows, _columns, _moved, _smoothing]
