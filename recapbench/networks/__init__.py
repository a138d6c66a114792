"""Fixed networks that several rooms share: feature extractors and perceptual losses."""
