"""The methods that the paper compares with, as plugins: nothing in `recapbench` imports them."""
