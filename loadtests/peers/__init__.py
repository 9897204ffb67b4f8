"""Servers that one might pick instead, on the same work; each is a process of its own."""
