"""The server's state in plain words: on the console, on the page, and for refused simulators."""
