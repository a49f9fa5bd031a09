"""From a table to a law."""
