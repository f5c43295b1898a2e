"""Cases: from the matter noted to the answer rated, with the law's clocks in working days."""
