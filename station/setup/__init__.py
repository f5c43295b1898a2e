"""A real district sets itself up: who it is, the first start, and what is still missing."""
