"""One module per command: each has `add_to(app)`, and imports what is heavy when its command runs."""
