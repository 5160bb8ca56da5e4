"""The port: accepting, websockets, Socket.IO. Only here and in its callers at the edge is eventlet known."""
