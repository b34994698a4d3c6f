"""Stop & Exit (Sun et al. 2024): tokens that are known before the last layer, texts not worth going on with."""
