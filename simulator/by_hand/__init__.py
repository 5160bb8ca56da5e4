"""A person drives the built-in car from a page in the browser, records, and takes turns with a model."""
