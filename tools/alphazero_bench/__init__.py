"""What `alphazero bench` measures: rules, search, inference, self-play, training, and peers in the same run."""
