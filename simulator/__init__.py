"""The simulator's side: the stock simulator's socket, a player of recordings, and a small headless world to drive in.

It shares `protocol` with the server and never imports it: the two meet at the socket. Importing this package loads
neither Panda3D nor a websocket.
"""
