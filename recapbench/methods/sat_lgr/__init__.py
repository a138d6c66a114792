"""SAT/LGR, the model of "Recapture as You Want" (Gao et al., 2022), section 3."""
