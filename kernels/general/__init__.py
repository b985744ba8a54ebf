"""Coupled learning under every linear task, rule and schedule, for a block of lanes."""
