"""The law's clocks: working days, the calendar, deadlines, policy packs."""
