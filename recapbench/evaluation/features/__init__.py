"""Features of images: which network, how they are extracted, and where they are kept."""
