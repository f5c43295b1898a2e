"""Outbox and channels: SMS, mail, in-app."""
