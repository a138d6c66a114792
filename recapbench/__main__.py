"""`python -m recapbench`, which launchers of several processes need."""

from recapbench.cli import main

main()
