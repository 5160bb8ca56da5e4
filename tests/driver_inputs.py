"""What a person does with keys, for tests of driving by hand."""

from simulator.by_hand.messages import DriverInput

NOTHING = DriverInput()


def holding(*keys: str) -> DriverInput:
    """These keys are held."""
    return DriverInput(frozenset(keys))
