"""One live room: its rules, its fan-out and who is watching."""
