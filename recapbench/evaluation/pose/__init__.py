"""Joints of generated images, and how near they are to the target's."""
