"""One append-only, hash-chained record of all that happened."""
