"""Wire formats: RTP, RTCP, STUN, SDP and codec payloads read into plain data and written. No state, no I/O."""
