"""Datagrams in and out: the one media port, ICE-lite, DTLS-SRTP, TCP."""
