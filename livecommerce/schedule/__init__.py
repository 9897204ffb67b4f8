"""Shows and the brands' segments in them: who is on when, and what may not happen at the same time."""
