"""Upheld: a privacy policy that runs."""
