"""What the server says of its state, in plain words: on the console, on the page, of refused simulators."""
