"""Games judged move by move: judge.py says what each move cost, files.py reads and writes the files that games come in."""
