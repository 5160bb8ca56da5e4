"""HTTP for browsers and programs: access control, the API, the page and its stream."""
