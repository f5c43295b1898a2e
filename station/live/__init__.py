"""Broadcast: one source of one room, packaged once as low-latency HLS, kept as its own recording."""
