"""Measurements of Upheld, each beside a baseline taken in the same run."""
