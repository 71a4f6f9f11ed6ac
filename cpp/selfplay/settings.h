// What a pool is told: who plays, what is played, and how many games at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cpp/search/settings.h"

namespace az {

// Evaluators that live inside the pool; others are numbered from 0 and answered by the consumer.
inline constexpr int kUniform = -1;  // equal priors, value 0
inline constexpr int kRollout = -2;  // equal priors, the value of one random game
inline constexpr int kRandom = -3;   // no search at all: a random move

struct PlayerSettings {
  SearchSettings search;
  int evaluator = 0;
  bool noise = false;         // root noise of the search settings
  int temperature_plies = 0;  // PUCT: moves drawn from the visit counts for so many plies of the game, then the best
  double temperature = 1.0;
  double full_fraction = 1.0;         // playout cap randomisation (Wu 2019): share of moves searched in full,
  int fast_simulations = 0;           // the others with so few simulations and no noise
  std::optional<float> resign_below;  // the root value below which it resigns; none: never
  double resign_keep = 0.1;           // share of games played to the end all the same
};

// How a batch holds its positions: planes of floats; planes of bfloat16, which an evaluator that computes in it takes
// as they are; or bit planes and scalars, for a device that expands them.
enum class Layout { kFloat32, kBfloat16, kPacked };

struct Pairing {
  int first = 0;
  int second = 0;
  std::string start;         // text of the position to start from; empty: the game's own
  std::uint64_t number = 0;  // names the game: its random numbers follow from it and the seed
};

struct PoolSettings {
  int games_in_flight = 256;
  int batch_size = 128;
  int threads = 1;  // that search; 0: those that ask for batches do
  std::uint64_t seed = 0;
  std::int64_t games = -1;          // self-play: how many games in all; -1: without end
  std::uint64_t first_game = 0;     // number of the first game (its seed follows from it)
  int opening_plies = 0;            // self-play: each game starts with 0..opening_plies random moves
  std::vector<std::string> starts;  // self-play: texts of positions to begin from, one drawn for each game
  double start_share = 1.0;         // the share of games that begin at one of them
  bool symmetry = false;            // turn each leaf by a random symmetry
  Layout layout = Layout::kFloat32;
  int cache_megabytes = 0;    // for answers to be used again; 0: none are kept
  int most_finished = 4096;   // unread finished games before the workers wait: memory is bounded, and so is haste
  bool record_policy = true;  // keep policy targets in the records
  // What set_version() and set_simulations() say, from the first game on.
  std::uint64_t version = 0;
  int simulations = 0;
};

struct PoolCounts {
  std::uint64_t simulations = 0;
  std::uint64_t evaluations = 0;  // leaves sent out in batches
  std::uint64_t cache_hits = 0;   // leaves whose answer was known
  std::uint64_t batches = 0;
  std::uint64_t plies = 0;
  std::uint64_t games = 0;
  std::uint64_t nodes = 0;  // of the trees that were finished, for bytes per node
  std::uint64_t tree_bytes = 0;

  PoolCounts& operator+=(const PoolCounts& more) {
    simulations += more.simulations;
    evaluations += more.evaluations;
    cache_hits += more.cache_hits;
    batches += more.batches;
    plies += more.plies;
    games += more.games;
    nodes += more.nodes;
    tree_bytes += more.tree_bytes;
    return *this;
  }
};

}  // namespace az
