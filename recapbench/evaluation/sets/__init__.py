"""Figures of whole sets, from their features."""
