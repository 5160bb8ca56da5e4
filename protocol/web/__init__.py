"""What every server of a page checks: the host that a request names, and the page from which it comes."""
