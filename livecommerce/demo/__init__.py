"""The demo's shops, people and shows; seeded only where ``DEMO`` is on."""
