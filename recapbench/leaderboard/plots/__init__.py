"""Plots of records: one module each, one style for all."""
