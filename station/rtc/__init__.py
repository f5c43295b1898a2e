"""Packets: transports, rooms, forwarding, signalling, WHIP and WHEP. Knows grants, never citizens."""
