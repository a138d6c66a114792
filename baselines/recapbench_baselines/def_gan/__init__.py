"""Def-GAN: deformable skip connections and a nearest-neighbour loss (Siarohin et al. 2018)."""
