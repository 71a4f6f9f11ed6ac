"""How self-play changes while the budget is spent: the simulations of a move, and the value at which a player resigns."""

from __future__ import annotations

from alphazero._core import Game
from alphazero.config import Config
from alphazero.training.diagnostics import Diagnostics


class PlaySchedule:
    """The schedules of a configuration. diagnostics: of the run's newest games, which tell what resignation is safe."""

    def __init__(self, config: Config, diagnostics: Diagnostics):
        self._search = config.search
        self._play = config.selfplay
        self._diagnostics = diagnostics
        self.resignation = -1.0  # the threshold in force; -1: nobody resigns

    def simulations(self, spent: float) -> int:
        """Progressive simulation: the budget of a move grows along `selfplay.simulations_schedule`. spent: of the run's, in [0, 1]."""
        simulations = self._search.simulations
        for begin, count in self._play.simulations_schedule:
            if spent >= begin:
                simulations = int(count)
        return simulations

    def settle_resignation(self, spent: float) -> float:
        """The highest threshold, up to the configured one, that the games played to the end say is safe; in force from now on."""
        play = self._play
        if play.resign_threshold > -1.0 and spent >= play.resign_from:
            self.resignation = self._diagnostics.safe_threshold(
                play.resign_threshold, play.resign_wrong, self.resignation
            )
        return self.resignation

    def warning(self, game: Game) -> str:
        """What is wrong with the search that the configuration asks for; "" where nothing is."""
        moves = len(game.position().legal_moves())
        search = self._search
        if search.kind != "puct" or 2 * search.simulations >= moves:
            return ""
        return (
            f"warning: {search.simulations} PUCT simulations look at few of {moves} moves, from which nothing may be "
            f"learned: search.simulations={2 * moves}, or search.kind=gumbel"
        )
