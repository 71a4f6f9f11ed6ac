// Which of OpenSpiel's games can be played here, why others cannot, and what their tensors are to a network.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "games/game.h"
#include "open_spiel/spiel.h"

namespace az::open_spiel {

inline constexpr int kMostActions = 16384;  // of a game's distinct actions: OpenSpiel's shogi has 13,689
inline constexpr int kMostPliesOfARecord = 65535;
inline constexpr int kLongestRollout = 1000;  // plies: random games of Chinese checkers do not end

// A game that can be played.
struct Loaded {
  std::string name;  // as OpenSpiel writes it, with its parameters
  std::shared_ptr<const ::open_spiel::Game> game;
  std::shared_ptr<const ::open_spiel::State> start;
  Shape shape;
  int kinds_a_cell = 1;  // actions count cells first, then so many kinds of moves of each: policy indices the other way
  int max_plies = 0;     // a draw there
  bool scored = false;   // returns are more than won, drawn and lost
  bool dear_moves = false;  // to play one takes far longer than to copy a state
};

namespace detail {

[[noreturn]] inline void refuse(const std::string& name, const std::string& reason) {
  throw std::invalid_argument("open_spiel: '" + name + "' cannot be played here: " + reason);
}

inline std::string shortened(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() > 300 ? text.substr(0, 300) + " ..." : text;
}

// Why a game cannot be played; empty: it can.
inline std::string obstacle(const ::open_spiel::Game& game) {
  using ::open_spiel::GameType;
  const GameType& type = game.GetType();
  if (type.dynamics == GameType::Dynamics::kSimultaneous) return "its players move at the same time";
  if (type.dynamics != GameType::Dynamics::kSequential) return "it is a mean field game";
  if (type.chance_mode != GameType::ChanceMode::kDeterministic)
    return "it has chance, which this search does not model";
  if (type.information != GameType::Information::kPerfectInformation)
    return "its players do not see all (imperfect information)";
  if (game.NumPlayers() != 2) return "it has " + std::to_string(game.NumPlayers()) + " players, not two";
  if (type.utility != GameType::Utility::kZeroSum) return "it is not zero-sum";
  if (!type.provides_observation_tensor) return "it has no observation tensor";
  if (game.NumDistinctActions() > kMostActions)
    return "it has " + std::to_string(game.NumDistinctActions()) + " distinct actions, more than " +
           std::to_string(kMostActions);
  return {};
}

// Observations as planes: [C, H, W] as they are, [C, cells] as squares where they are, a flat one as C planes of one
// cell.
inline Shape shape_of(const std::string& name, const std::vector<int>& observation, int actions) {
  Shape shape;
  shape.numbers_a_cell = true;
  shape.policy_size = actions;
  std::vector<int> sizes = observation;
  while (sizes.size() > 3) {  // the first dimensions are kinds of planes
    sizes[1] *= sizes[0];
    sizes.erase(sizes.begin());
  }
  sizes.insert(sizes.end(), 3 - sizes.size(), 1);
  if (observation.size() == 2) {
    int side = 1;
    while ((side + 1) * (side + 1) <= sizes[1]) ++side;
    const bool square = side * side == sizes[1];
    sizes = {sizes[0], square ? side : 1, square ? side : sizes[1]};
  }
  shape.scalar_planes = sizes[0] + 1;  // and one that says whose turn it is
  shape.height = sizes[1];
  shape.width = sizes[2];
  if (shape.cells() > 65535) refuse(name, "its observation has more than 65535 cells");
  return shape;
}

// How a game's actions lie on its board, where that is known (tests/test_open_spiel.py checks it): the number of kinds
// of moves of each cell. 0: they do not, and the policy's head is dense.
inline int kinds_a_cell(const std::string& name, const Shape& shape) {
  const auto among = [&name](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const int cells = shape.cells();
  if (name == "connect_four") return shape.policy_size == shape.width ? 1 : 0;  // columns
  // A move puts something on a cell; Go and Othello have a pass, which comes last.
  if (among({"amazons", "go", "gomoku", "havannah", "hex", "mnk", "othello", "tic_tac_toe", "y"}))
    return shape.policy_size == cells || shape.policy_size == cells + 1 ? 1 : 0;
  // A move starts from a cell.
  if (among({"breakthrough", "checkers", "clobber"}))
    return shape.policy_size % cells == 0 ? shape.policy_size / cells : 0;
  return 0;
}

// Whether to play a move takes more than ten times as long as to copy the state, over the start of one game. Othello's
// takes 45 times as long and Checkers' 20; most others' once or twice.
inline bool moves_are_dear(const ::open_spiel::State& start) {
  using Clock = std::chrono::steady_clock;
  constexpr int kPlies = 40;
  Clock::duration copying{};
  Clock::duration playing{};
  std::unique_ptr<::open_spiel::State> state = start.Clone();
  for (int ply = 0; ply < kPlies && !state->IsTerminal(); ++ply) {
    const std::vector<::open_spiel::Action> actions = state->LegalActions();
    const Clock::time_point begin = Clock::now();
    std::unique_ptr<::open_spiel::State> next = state->Clone();
    const Clock::time_point copied = Clock::now();
    next->ApplyAction(actions[actions.size() / 2]);
    playing += Clock::now() - copied;
    copying += copied - begin;
    state = std::move(next);
  }
  return playing > 10 * copying;
}

}  // namespace detail

// The game of this text, such as "hex(board_size=5)". Throws std::invalid_argument naming what is wrong with it.
inline Loaded load(const std::string& text, int max_plies) {
  const std::string name = text.substr(0, text.find('('));
  if (name.rfind("python_", 0) == 0)
    detail::refuse(name, "it is written in Python, which a search in C++ cannot wait for");
  if (!::open_spiel::GameRegisterer::IsValidName(name))
    throw std::invalid_argument("open_spiel: OpenSpiel has no game '" + name +
                                "'; pyspiel.registered_names() lists its games");
  Loaded loaded;
  try {
    loaded.game = ::open_spiel::LoadGame(text);
  } catch (const std::exception& error) {
    throw std::invalid_argument("open_spiel: " + text + ": " + detail::shortened(error.what()));
  }
  const std::string obstacle = detail::obstacle(*loaded.game);
  if (!obstacle.empty()) detail::refuse(name, obstacle);
  loaded.name = loaded.game->ToString();
  if (loaded.name.ends_with("()")) loaded.name.resize(loaded.name.size() - 2);
  loaded.start = loaded.game->NewInitialState();
  loaded.shape = detail::shape_of(name, loaded.game->ObservationTensorShape(), loaded.game->NumDistinctActions());
  loaded.kinds_a_cell = detail::kinds_a_cell(name, loaded.shape);
  loaded.shape.dense_policy = loaded.kinds_a_cell == 0;
  loaded.kinds_a_cell = std::max(1, loaded.kinds_a_cell);
  const int longest = std::min(loaded.game->MaxGameLength(), kMostPliesOfARecord);
  loaded.max_plies = max_plies > 0 ? std::min(max_plies, longest) : longest;
  loaded.shape.rollout_plies = std::min(loaded.max_plies, kLongestRollout);
  loaded.scored = loaded.game->MaxUtility() != 1.0;
  loaded.dear_moves = detail::moves_are_dear(*loaded.start);
  return loaded;
}

}  // namespace az::open_spiel
