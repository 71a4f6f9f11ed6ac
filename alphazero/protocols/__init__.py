"""How the outside talks to the engine: GTP (Go), and the SGF files that go with it."""
