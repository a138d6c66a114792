"""PATN: pose-attentional transfer blocks (Zhu et al., CVPR 2019), see README.md."""
