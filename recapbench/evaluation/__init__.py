"""Evaluators: metrics of saved images, one name per protocol.

The entry point is :func:`recapbench.evaluation.evaluate.evaluate`; the records of the metrics are
in :mod:`recapbench.evaluation.metrics`.
"""
