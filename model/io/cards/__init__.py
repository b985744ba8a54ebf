"""Cards of SPICE decks: lines, numbers, elements, diodes and transistors as laws of edges, and laws as cards."""
