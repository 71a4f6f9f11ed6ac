"""The arena: players, matches, ratings. play.py plays a schedule, store.py keeps its results, ratings.py rates them."""
