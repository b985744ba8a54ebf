"""Training of lab circuits."""
