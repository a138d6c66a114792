"""Results side by side: the ablation's rows, its table and plot, and the attention sheets."""
