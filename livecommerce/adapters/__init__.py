"""Drivers behind the ports, one file each."""
