"""The arena: players, matches, ratings. match.py plays, ladder.py keeps the files, ratings.py says who is stronger."""
