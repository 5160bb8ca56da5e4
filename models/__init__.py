"""The networks: their builders, the preprocessing inside their graphs, and the loading of model files of Keras 1 to 3.

The folder also holds the trained files, each with its card. The package's own import loads neither Keras nor
TensorFlow, so that a server with a converted file starts without them.
"""

import re

NETWORKS = (
    "baseline",
    "eff",
    "eff-small",
    "eff-tiny",
    "eff-mini",
    "eff-micro",
    "baseline-tiny",
    "baseline-mini",
    "eff-1x2",
    "pilotnet",
)
"""The networks' names, for command lines that must not wait for Keras; `models.steering` builds the networks."""

EFFNET = re.compile(r"effnet-([1-6])x(8|16|24|32|40|48|56|64|80|96|112|128)")
"""Other names of EffNets: their depth and width, as `models.steering.builder` builds them."""

NETWORK_NAMES = f"{', '.join(NETWORKS)}, or effnet-DEPTHxWIDTH such as effnet-4x48"


def is_network(name: str) -> bool:
    """Whether `models.steering.builder` builds a network of this name."""
    return name in NETWORKS or bool(EFFNET.fullmatch(name))
