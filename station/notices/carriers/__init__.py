"""Carriers of SMS whose own API the station speaks: registered templates, signed requests."""
