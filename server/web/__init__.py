"""What a browser and a program ask for: access, the API, the page and its stream."""
