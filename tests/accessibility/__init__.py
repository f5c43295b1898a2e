"""Every page as it is, measured: by axe, by width, by language."""
