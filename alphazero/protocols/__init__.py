"""How GUIs and other programs talk to the engine (GTP, UCI, USI), how we talk to theirs, and the clock of a game."""
