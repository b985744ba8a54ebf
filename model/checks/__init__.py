"""Checks that all nouns share: kinds of arguments, and the text of files."""
