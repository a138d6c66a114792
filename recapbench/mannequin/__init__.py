"""Renderer of clothed virtual persons with exact parsing labels and joints.

Lengths are decimetres, y points up, +z is the person's front and +x the person's left.
"""
