"""The simulator's side: the stock simulator's client, a player of recordings, and a small headless simulator.

It shares `protocol` with the server and never imports the server; both meet only at the socket. Importing this package
loads neither Panda3D nor the websocket library.
"""
