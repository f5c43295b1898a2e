"""The live role: what viewers fetch, and how web steers it."""
