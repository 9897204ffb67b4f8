"""Load on a running server, and measurements of it; meets the server only on the wire."""
