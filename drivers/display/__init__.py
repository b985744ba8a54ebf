"""Pictures, pages and messages for a user."""
