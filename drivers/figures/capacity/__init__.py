"""How much networks can learn, and what they forget."""
