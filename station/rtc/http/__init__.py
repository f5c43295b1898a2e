"""The media role's HTTP faces: signalling, WHIP and WHEP, the control interface."""
