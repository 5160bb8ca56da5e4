"""The networks: builders, the preprocessing inside their graphs, and the reading of model files of every age.

Trained files lie beside the code, each with its card. Importing this package imports neither Keras nor TensorFlow, so
that a server which runs a converted file starts without them.
"""

NETWORKS = ("baseline", "eff", "eff-small", "eff-tiny", "eff-1x2", "pilotnet")
"""The names of our networks, for command lines that must not wait for Keras; models.steering builds them."""
