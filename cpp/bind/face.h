// The one type-erased face of a game: what the bindings see. Everything hot stays behind it, in the templates.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cpp/sampler/targets.h"
#include "cpp/search/leaf_origin.h"
#include "cpp/search/settings.h"
#include "cpp/selfplay/batch.h"
#include "cpp/selfplay/record.h"
#include "cpp/selfplay/settings.h"
#include "games/game.h"

namespace az {

class PositionFace {
 public:
  virtual ~PositionFace() = default;
  [[nodiscard]] virtual std::unique_ptr<PositionFace> copy() const = 0;
  [[nodiscard]] virtual std::vector<std::string> legal_moves() const = 0;
  [[nodiscard]] virtual std::vector<std::int32_t> policy_indices() const = 0;  // same order
  virtual void play(std::string_view move) = 0;                                // throws IllegalMove
  virtual void undo() = 0;  // throws std::invalid_argument at the start
  [[nodiscard]] virtual int turn() const = 0;
  [[nodiscard]] virtual int ply() const = 0;
  [[nodiscard]] virtual Key key() const = 0;
  [[nodiscard]] virtual std::string text() const = 0;
  [[nodiscard]] virtual std::string diagram() const = 0;
  [[nodiscard]] virtual std::optional<Outcome> outcome() const = 0;
  [[nodiscard]] virtual bool in_check() const = 0;
  [[nodiscard]] virtual bool can_declare() const = 0;
  [[nodiscard]] virtual std::vector<std::int8_t> cells() const = 0;      // as games/game.h says
  [[nodiscard]] virtual std::vector<std::int8_t> ownership() const = 0;  // empty where the game has none
  // between() is called every million sequences or so; what it throws ends the count.
  [[nodiscard]] virtual std::uint64_t perft(int depth, const std::function<void()>& between) = 0;
  virtual void planes(float* out) const = 0;
  [[nodiscard]] virtual std::pair<float, std::vector<std::string>> random_playout(std::uint64_t seed) const = 0;
};

struct MoveResult {
  std::string move;
  int visits = 0;
  float prior = 0.0F;
  float q = 0.0F;
  float target = 0.0F;  // the move's share in the policy target
  std::string proof;    // "win", "draw", "loss" or ""
  int proof_plies = 0;  // length of the line that proves it
};

struct SearchReport {
  std::string best_move;
  float value = 0.0F;  // for the side to move
  float network_value = 0.0F;
  std::string proof;
  int simulations = 0;
  std::uint64_t nodes = 0;
  std::uint64_t tree_bytes = 0;
  float depth = 0.0F;  // of the simulations, on average
  int max_depth = 0;
  std::vector<std::string> pv;
  std::vector<MoveResult> moves;  // in legal order
};

class SearchFace {
 public:
  virtual ~SearchFace() = default;
  virtual void set_position(
      const PositionFace& position) = 0;  // keeps the tree where the position follows the last one
  virtual void begin(int simulations, bool noise, std::span<const float> gumbel,
                     const std::vector<std::string>& only) = 0;
  virtual void set_budget(int simulations) = 0;
  // Asks for at most `rows` leaves, writes their planes [rows][planes][height][width] and policy indices; returns how
  // many. 0 with done() false cannot happen once all earlier leaves are told.
  virtual int collect(int rows, float* planes, std::vector<std::vector<std::int32_t>>& legal,
                      std::vector<int>& tickets) = 0;
  virtual void tell(int ticket, std::span<const float> logits, float value) = 0;
  // The same for a network's batches: leaves whose answers are kept are answered at once, and moves are not named. Into
  // `out` go planes as floats or, where they are `halves`, as bfloat16. None: done, or others wait, or so many answers
  // were known that it is time to look up.
  virtual void collect_batch(int rows, void* out, bool halves, std::vector<int>& tickets) = 0;
  // logits: [tickets][policy_size]; values: [tickets]; beside: what else is to be kept of each answer, as many numbers
  // as keep_answers() said. Says where each leaf lies.
  virtual std::vector<LeafOrigin> tell_batch(std::span<const int> tickets, std::span<const float> logits,
                                             std::span<const float> values, std::span<const float> beside) = 0;
  // The leaves whose answers were known, since it was last asked or the search began.
  virtual KnownLeaves take_known() = 0;
  // Keeps answers of tell_batch() in so many megabytes; those of before are dropped.
  virtual void keep_answers(int megabytes, int beside) = 0;
  virtual void share_answers(SearchFace& other) = 0;  // keeps them together with another search of the same game
  [[nodiscard]] virtual std::uint64_t known_answers() const = 0;  // leaves that needed no evaluation so far
  [[nodiscard]] virtual bool done() const = 0;
  // Runs the begun search with kUniform or kRollout. The result for 2 threads and for more is the same. `should_stop`
  // is asked about every 10 ms, by the calling thread, and may look at what has been found; it must not throw.
  virtual void run_inside(int evaluator, double seconds, int threads, const std::function<bool()>& should_stop) = 0;
  [[nodiscard]] virtual int simulations() const = 0;
  [[nodiscard]] virtual SearchReport report(int longest_pv) const = 0;
  [[nodiscard]] virtual std::vector<std::string> line(std::string_view move, int longest) const = 0;
  // The visits of each move of line(); a win on the spot at its end, which has no node, has 0.
  [[nodiscard]] virtual std::vector<int> line_visits(std::string_view move, int longest) const = 0;
  [[nodiscard]] virtual std::string sample_move(double temperature) = 0;
};

class PoolFace {
 public:
  virtual ~PoolFace() = default;
  virtual void stop() = 0;
  virtual Batch* next_batch(double seconds, bool partial, bool shared) = 0;
  virtual void finish(Batch* batch, const Answer& answer) = 0;
  virtual std::vector<GameRecord> take_finished() = 0;
  virtual bool done() = 0;
  virtual bool all_parked() = 0;
  virtual PoolCounts counts() = 0;
  virtual void set_version(std::uint64_t version) = 0;
  virtual void set_simulations(int simulations) = 0;
  virtual void set_resign_below(std::optional<float> value) = 0;
};

class SamplerFace {
 public:
  virtual ~SamplerFace() = default;
  virtual int add(std::string_view bytes) = 0;
  virtual void trim(std::uint64_t window) = 0;
  [[nodiscard]] virtual std::uint64_t positions() const = 0;
  [[nodiscard]] virtual std::uint64_t games() const = 0;
  [[nodiscard]] virtual std::vector<Column> columns(const SampleSettings& settings) const = 0;
  virtual void sample(int n, std::uint64_t seed, const SampleSettings& settings, std::span<void* const> out) = 0;
};

class GameFace {
 public:
  virtual ~GameFace() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual OptionMap options() const = 0;
  [[nodiscard]] virtual Shape shape() const = 0;
  [[nodiscard]] virtual bool has_ownership() const = 0;
  [[nodiscard]] virtual std::unique_ptr<PositionFace> position() const = 0;
  [[nodiscard]] virtual std::unique_ptr<PositionFace> position(std::string_view text) const = 0;
  [[nodiscard]] virtual int map_cell(int symmetry, int cell) const = 0;
  [[nodiscard]] virtual int map_policy(int symmetry, int index) const = 0;
  [[nodiscard]] virtual std::vector<std::string> record_moves(const GameRecord& record) const = 0;
  [[nodiscard]] virtual std::vector<std::int8_t> record_turns(const GameRecord& record) const = 0;  // who moved
  // A game that others played: each move is its position's policy target, and `value`, for the first player, that of
  // all. Its score and its end count only where the rules find that value at its end, too.
  [[nodiscard]] virtual GameRecord record_of(std::string_view start, const std::vector<std::string>& moves, int value,
                                             std::uint64_t number) const = 0;
  // Per ply the policy target by move; empty where there is none.
  [[nodiscard]] virtual std::vector<std::map<std::string, float>> record_policies(const GameRecord& record) const = 0;
  [[nodiscard]] virtual std::unique_ptr<SearchFace> search(const SearchSettings& settings,
                                                           std::uint64_t seed) const = 0;
  [[nodiscard]] virtual std::unique_ptr<PoolFace> pool(const PoolSettings& settings,
                                                       const std::vector<PlayerSettings>& players,
                                                       const std::vector<Pairing>& pairings) const = 0;
  [[nodiscard]] virtual std::unique_ptr<SamplerFace> sampler() const = 0;
  // Plies played by random games within `seconds` on one thread: (plies, seconds used).
  [[nodiscard]] virtual std::pair<std::uint64_t, double> random_plies(double seconds, std::uint64_t seed) const = 0;
  // Plies replayed of one random game through play() alone within `seconds`: (plies, seconds used).
  [[nodiscard]] virtual std::pair<std::uint64_t, double> replay_plies(double seconds, std::uint64_t seed) const = 0;
};

// A name's factory: builds the game for these options, or returns nullptr where another type of the same name serves
// them.
struct GameEntry {
  std::string name;
  std::function<std::unique_ptr<GameFace>(const OptionMap&)> make;
};
using Registry = std::vector<GameEntry>;

// The games of the core itself; generated by the build from the list in games/CMakeLists.txt.
Registry built_in_games();

}  // namespace az
