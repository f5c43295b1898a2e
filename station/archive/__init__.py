"""After a meeting: composing, sealing, replay."""
