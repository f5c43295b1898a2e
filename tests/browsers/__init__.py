"""Browsers that Playwright does not drive, driven by the standard protocol that they speak themselves."""
