"""Measuring the ladder on problems with hidden tests."""
