"""Completed orders as balanced entries."""
