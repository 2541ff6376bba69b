"""Backups as facts: what lies there, what is installed to make it, and what a round trip showed."""
