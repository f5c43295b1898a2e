"""A citizen's own page: what waits for them, their meetings, their cases."""
