"""A live-stream commerce server: rooms, flash sales, orders and their ledger."""

__version__ = "0.1.0"
