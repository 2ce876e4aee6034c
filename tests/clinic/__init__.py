"""The clinic: acts, permissions, pages."""
