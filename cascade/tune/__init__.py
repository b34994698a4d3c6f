"""Finds settings of a ladder from recordings of its rungs (Chen et al. 2024, section 3.2)."""
