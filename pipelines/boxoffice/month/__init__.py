"""A month's end: closing it, and what is handed to an accounting program."""
