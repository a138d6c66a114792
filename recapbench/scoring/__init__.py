"""Score images that somebody else generated: which pairs they are, what they are worth, and why
figures differ."""
