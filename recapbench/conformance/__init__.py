"""`recapbench check`: whether a method keeps the contract of `recapbench.methods.base`."""
