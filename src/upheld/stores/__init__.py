"""Adapters for the places that hold personal data."""
