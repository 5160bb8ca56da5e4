"""Computes steering and throttle from a camera frame: engines, the conversion cache, drivers. It uses no sockets."""
