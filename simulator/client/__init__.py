"""The simulator's end of the socket, and its game loop."""
