"""The networks: their builders, the preprocessing inside their graphs, and the loading of model files of Keras 1 to 3.

The folder also holds the trained files, each with its card. The package's own import loads neither Keras nor
TensorFlow, so that a server with a converted file starts without them.
"""

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
