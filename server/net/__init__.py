"""The port: accepting connections, websockets, Socket.IO. Only this folder imports eventlet."""
