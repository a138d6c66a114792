"""What is here and what is missing: the environment, devices, weights, data and methods.

Nothing is changed, downloaded or rendered. What runs code of others, or of torch, does so in a
process of its own.
"""
