"""What each reader sees of cases: queries turned into the data of a page."""
