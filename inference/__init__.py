"""From a frame to a steering value and a throttle: engines, the conversion cache, drivers. It knows no sockets."""
