"""The media plane: WHIP in, WHEP out, packets forwarded without decoding, on one UDP port."""
