"""What every package stands on; imports nothing from the packages above it."""
