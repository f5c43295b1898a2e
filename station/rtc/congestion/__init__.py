"""How much a subscriber's downlink carries, and what is sent within it. Pure: time is an argument."""
