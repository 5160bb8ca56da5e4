"""Let a server steer the built-in car, drive it by hand, or record an expert's drive.

python -m simulator --track lake --laps 3
python -m simulator --track replay:RECORDING
python -m simulator --by-hand
python -m simulator record recordings/lake --track lake --laps 4
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import sys
from collections.abc import Sequence

from simulator import drive, record

BY_HAND = "--by-hand"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; returns the process's exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if BY_HAND in arguments:
        from simulator.by_hand import command  # noqa: PLC0415  # its library is not needed by the other commands

        arguments.remove(BY_HAND)
        return command.main(arguments)
    return record.main(arguments[1:]) if arguments[:1] == ["record"] else drive.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
