"""The browser page of `alphazero serve`: play, analyse, watch runs, look through tournaments."""
