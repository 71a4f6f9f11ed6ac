"""Training: self-play, the replay store, the learner, and the loop that drives them (`loop.train`)."""
