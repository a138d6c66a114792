"""A method for recapbench that moves and scales the source picture; nothing is learnt."""
