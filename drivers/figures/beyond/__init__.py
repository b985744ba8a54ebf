"""Figures beyond those of the papers."""
