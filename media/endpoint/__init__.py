"""One UDP socket: ICE-lite, DTLS and SRTP for every session."""
