"""Tables of the board: what stands in them, and the forms in which they are written."""
