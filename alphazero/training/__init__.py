"""Training: self-play, the replay store, the learner, and the run that they make (`run.train`)."""
