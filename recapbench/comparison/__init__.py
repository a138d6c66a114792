"""Several methods on the same pairs: run apart from each other, ranked, and shown side by side."""
