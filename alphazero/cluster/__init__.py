"""Self-play and ratings by workers in processes of their own, through Ray; training steps shared by several processes."""
