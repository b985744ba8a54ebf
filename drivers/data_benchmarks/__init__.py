"""Benchmarks of learning from data, with what others published beside what is measured here."""
