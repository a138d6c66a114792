"""Datasets that a user has downloaded: from files in the official layouts to splits.

``prepare`` reads a user's files once and writes an index below ``RECAPBENCH_HOME``; ``prepared``
opens what the index says. Nothing is ever written into the user's folders, and no image is copied.
"""
