"""The store of a sweep on disk: its parts, records, locks and results."""
