"""Files of games: SGF, PGN, CSA and KIF, read and written, and results in any of them. Knows games, and nobody else."""
