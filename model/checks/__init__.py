"""Checks that all nouns share."""
