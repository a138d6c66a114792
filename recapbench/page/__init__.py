"""The board as a static site: leaderboards, methods, comparisons of images, the paper's tables."""
