"""The socket's vocabulary, version 1, both directions.

A client sends one object per frame; ``t`` is the type, ``id`` the client's number where it wants an
answer. The server sends an array of objects per flush. Within version 1 fields and types are only
added; each side ignores what it does not know. Times are UTC milliseconds, money is in minor units.
"""
