"""From a raw camera frame to a network's input: written preprocessings, as built-in Keras layers inside the graph.

Training and driving thus use the same layers. A saved file contains them, and loads with Keras alone, on any of its
backends.
"""
