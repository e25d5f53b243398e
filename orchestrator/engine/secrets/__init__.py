"""Secrets: where they come from, who gets them, and where they are hidden."""
