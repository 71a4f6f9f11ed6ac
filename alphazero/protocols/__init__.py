"""How the outside talks to the engine: GTP (Go), the clock of a game, and the SGF files that go with Go."""
