"""Drive the built-in car on a track or in a replayed recording, with a server at the wheel; or record an expert.

python -m simulator --track lake --laps 3
python -m simulator --track replay:RECORDING
python -m simulator record recordings/lake --track lake --laps 4
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from simulator import drive, record


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the one or the other; the process's exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return record.main(words[1:]) if words[:1] == ["record"] else drive.main(words)


if __name__ == "__main__":
    sys.exit(main())
