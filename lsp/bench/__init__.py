"""`rung bench engine`: the run, what is measured at a real `rung serve`, and the tables."""
