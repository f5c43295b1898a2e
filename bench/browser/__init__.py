"""Real Chromium for benchmarks: a stage with a media role, pages of people in it, and what the pages saw."""
