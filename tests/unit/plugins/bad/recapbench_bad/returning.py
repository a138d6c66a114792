"""Methods that return what they must not, never return, or change what they were given."""

from __future__ import annotations

import time

import torch

from recapbench_bad.fine import Fine


class Nan(Fine):
    """One value is not a number."""

    name = "bad_nan"

    def generate(self, query):
        image = query.source_image.clone()
        image[0, 1, 2, 3] = torch.nan
        return image


class Shape(Fine):
    """Channels last."""

    name = "bad_shape"

    def generate(self, query):
        return query.source_image.permute(0, 2, 3, 1)


class Dtype(Fine):
    """Double precision."""

    name = "bad_dtype"

    def generate(self, query):
        return query.source_image.double()


class Range(Fine):
    """Grey levels of bytes."""

    name = "bad_range"

    def generate(self, query):
        return (query.source_image + 1) * 127.5


class Mutate(Fine):
    """Changes its input in place."""

    name = "bad_mutate"

    def generate(self, query):
        return query.source_image.mul_(-1)


class Hang(Fine):
    """Never returns."""

    name = "bad_hang"

    def generate(self, query):
        while True:
            time.sleep(1)


class Shared(Fine):
    """Nothing is wrong with it but its name, which another distribution has too."""

    name = "bad_shared"
