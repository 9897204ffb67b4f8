"""The composition root: settings in, running processes out. Nothing else builds anything."""
