"""The sandbox payment provider: a stand-in for a real one, with its own pages, API and database.

It knows nothing of the rest of the system and is known to it only by HTTP, like any provider. No money
moves. It can be told to misbehave (``faults``), so that what depends on it can be tried.
"""
