"""PG2: Ma et al., "Pose Guided Person Image Generation", NIPS 2017."""
