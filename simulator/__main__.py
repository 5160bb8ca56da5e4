"""Let a server steer the built-in car on a track or in a replayed recording, or record an expert's drive.

python -m simulator --track lake --laps 3
python -m simulator --track replay:RECORDING
python -m simulator record recordings/lake --track lake --laps 4
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import sys
from collections.abc import Sequence

from simulator import drive, record


def main(arguments: Sequence[str] | None = None) -> int:
    """Record if the first argument is `record`, drive otherwise; returns the process's exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    return record.main(arguments[1:]) if arguments[:1] == ["record"] else drive.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
