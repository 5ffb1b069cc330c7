"""Requests: rights being exercised, from receipt to answer."""
