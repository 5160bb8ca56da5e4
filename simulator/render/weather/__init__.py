"""Night and rain: their colours, the distances that they need, and what they do to a picture."""
