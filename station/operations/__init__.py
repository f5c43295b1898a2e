"""What keeps a station running is looked after here: health, the demo's page."""
