// The face of one game, made from its templates. Included once a game by a source file that the build generates.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpp/bind/face.h"
#include "cpp/bind/position_of.h"
#include "cpp/bind/search_of.h"
#include "cpp/sampler/sampler.h"
#include "cpp/search/rng.h"
#include "cpp/selfplay/pool.h"
#include "cpp/selfplay/rollout.h"

namespace az {

template <Game G>
class PoolOf final : public PoolFace {
 public:
  PoolOf(const typename G::Options& options, const PoolSettings& settings, const std::vector<PlayerSettings>& players,
         const std::vector<Pairing>& pairings)
      : pool_(options, settings, players, pairings) {}
  void stop() override { pool_.stop(); }
  Batch* next_batch(double seconds, bool partial, bool shared) override {
    return pool_.next_batch(seconds, partial, shared);
  }
  void finish(Batch* batch, const Answer& answer) override { pool_.finish(batch, answer); }
  std::vector<GameRecord> take_finished() override { return pool_.take_finished(); }
  bool done() override { return pool_.done(); }
  bool all_parked() override { return pool_.all_parked(); }
  PoolCounts counts() override { return pool_.counts(); }
  void set_version(std::uint64_t version) override { pool_.set_version(version); }
  void set_simulations(int simulations) override { pool_.set_simulations(simulations); }
  void set_resign_below(std::optional<float> value) override { pool_.set_resign_below(value); }

 private:
  Pool<G> pool_;
};

template <Game G>
class SamplerOf final : public SamplerFace {
 public:
  explicit SamplerOf(const typename G::Options& options) : sampler_(options) {}
  int add(std::string_view bytes) override { return sampler_.add(bytes); }
  void trim(std::uint64_t window) override { sampler_.trim(window); }
  std::uint64_t positions() const override { return sampler_.positions(); }
  std::uint64_t games() const override { return sampler_.games(); }
  [[nodiscard]] std::vector<Column> columns(const SampleSettings& settings) const override {
    return sampler_.columns(settings);
  }
  void sample(int n, std::uint64_t seed, const SampleSettings& settings, std::span<void* const> out) override {
    sampler_.sample(n, seed, settings, out);
  }

 private:
  Sampler<G> sampler_;
};

template <Game G>
class GameOf final : public GameFace {
 public:
  explicit GameOf(const typename G::Options& options) : options_(options) {}
  std::string name() const override { return std::string(G::kName); }
  OptionMap options() const override { return G::describe(options_); }
  Shape shape() const override { return G::shape(options_); }
  bool has_ownership() const override { return HasOwnership<G>; }
  std::unique_ptr<PositionFace> position() const override {
    return std::make_unique<PositionOf<G>>(options_, typename G::Position(options_), "");
  }
  std::unique_ptr<PositionFace> position(std::string_view text) const override {
    return std::make_unique<PositionOf<G>>(options_, G::Position::parse(options_, text), std::string(text));
  }
  int map_cell(int symmetry, int cell) const override { return G::map_cell(options_, symmetry, cell); }
  int map_policy(int symmetry, int index) const override { return G::map_policy(options_, symmetry, index); }
  GameRecord record_of(std::string_view start, const std::vector<std::string>& moves, int value,
                       std::uint64_t number) const override {
    constexpr std::uint16_t kCertain = 0xffff;
    GameRecord record;
    record.number = number;
    record.start = start;
    record.value = value;
    auto position = start.empty() ? typename G::Position(options_) : G::Position::parse(options_, start);
    for (const std::string& text : moves) {
      if (position.outcome()) break;  // by these rules; a file may go on
      MoveList<G::kMaxMoves> legal;
      position.legal_moves(legal);
      PlyRecord ply;
      ply.move = position.parse_move(text);
      ply.kind = legal.size() > 1 ? PlyKind::kFull : PlyKind::kForced;
      ply.root_value = static_cast<float>(position.turn() == 0 ? value : -value);
      if (legal.size() > 1) ply.policy = {{ply.move, kCertain}};
      record.plies.push_back(std::move(ply));
      position.play(record.plies.back().move);
    }
    const std::optional<Outcome> outcome = position.outcome();
    const bool agreed = outcome && outcome->value == value;
    record.reason = agreed ? outcome->reason : "resign";
    record.to_the_end = agreed;
    record.has_score = agreed && outcome->score.has_value();
    record.score = record.has_score ? *outcome->score : 0.0F;
    return record;
  }
  std::vector<std::string> record_moves(const GameRecord& record) const override {
    std::vector<std::string> out;
    replay(record, [&](const typename G::Position& position, const PlyRecord& ply) {
      out.push_back(position.move_text(ply.move));
    });
    return out;
  }
  std::vector<std::int8_t> record_turns(const GameRecord& record) const override {
    std::vector<std::int8_t> out;
    replay(record, [&](const typename G::Position& position, const PlyRecord& /*ply*/) {
      out.push_back(static_cast<std::int8_t>(position.turn()));
    });
    return out;
  }
  std::vector<std::map<std::string, float>> record_policies(const GameRecord& record) const override {
    std::vector<std::map<std::string, float>> out;
    replay(record, [&](const typename G::Position& position, const PlyRecord& ply) {
      float sum = 0.0F;
      for (const PolicyEntry& entry : ply.policy) sum += entry.weight;
      auto& policy = out.emplace_back();
      if (sum == 0.0F) return;
      for (const PolicyEntry& entry : ply.policy)
        policy[position.move_text(entry.move)] = static_cast<float>(entry.weight) / sum;
    });
    return out;
  }
  std::unique_ptr<SearchFace> search(const SearchSettings& settings, std::uint64_t seed) const override {
    return std::make_unique<SearchOf<G>>(options_, settings, seed);
  }
  std::unique_ptr<PoolFace> pool(const PoolSettings& settings, const std::vector<PlayerSettings>& players,
                                 const std::vector<Pairing>& pairings) const override {
    if constexpr (SingleSearch<G>) {
      throw std::invalid_argument(
          std::string(G::kName) +
          ": no self-play, training or matches with these rules, which are for trying out; write "
          "them in C++ (docs/add-game.md)");
    } else {
      return std::make_unique<PoolOf<G>>(options_, settings, players, pairings);
    }
  }
  std::unique_ptr<SamplerFace> sampler() const override { return std::make_unique<SamplerOf<G>>(options_); }

  std::pair<std::uint64_t, double> random_plies(double seconds, std::uint64_t seed) const override {
    Rng rng(seed);
    const int longest = 2 * G::shape(options_).longest_rollout();
    return timed(seconds, [&] {
      typename G::Position position(options_);
      std::uint64_t plies = 0;
      for (int ply = 0; ply < longest && !position.outcome(); ++ply, ++plies) {
        MoveList<G::kMaxMoves> moves;
        position.legal_moves(moves);
        position.play(moves[rng.below(moves.size())]);
        position.settle();
      }
      return plies;
    });
  }
  std::pair<std::uint64_t, double> replay_plies(double seconds, std::uint64_t seed) const override {
    Rng rng(seed);
    std::vector<Move> game;
    typename G::Position position(options_);
    const int longest = 2 * G::shape(options_).longest_rollout();
    while (static_cast<int>(game.size()) < longest && !position.outcome()) {
      MoveList<G::kMaxMoves> moves;
      rollout_moves<G>(position, moves);
      game.push_back(moves[rng.below(moves.size())]);
      position.play(game.back());
    }
    return timed(seconds, [&] {
      typename G::Position again(options_);
      for (const Move move : game) {
        again.play(move);
        again.settle();  // as self-play does
      }
      if (again.key() != position.key()) throw std::logic_error("replay: the game came out differently");
      return static_cast<std::uint64_t>(game.size());
    });
  }

 private:
  // Calls visit(position, ply) for each ply of the record, before it is played. std::invalid_argument: an illegal move.
  template <class Visit>
  void replay(const GameRecord& record, Visit&& visit) const {
    auto position = record.start.empty() ? typename G::Position(options_) : G::Position::parse(options_, record.start);
    for (std::size_t i = 0; i < record.plies.size(); ++i) {
      const PlyRecord& ply = record.plies[i];
      MoveList<G::kMaxMoves> legal;
      position.legal_moves(legal);
      if (std::find(legal.begin(), legal.end(), ply.move) == legal.end())
        throw std::invalid_argument("game record: illegal move at ply " + std::to_string(i));
      visit(position, ply);
      position.play(ply.move);
    }
  }

  template <class Work>
  static std::pair<std::uint64_t, double> timed(double seconds, Work&& work) {
    const auto begin = std::chrono::steady_clock::now();
    const auto used = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    std::uint64_t plies = 0;
    while (used() < seconds) plies += work();
    return {plies, used()};
  }

  typename G::Options options_;
};

// One registry entry for each name among a game folder's Types.
template <class... Types>
void register_types(Registry& registry, std::type_identity<std::tuple<Types...>>) {
  const auto add = [&]<Game G>(std::type_identity<G>) {
    registry.push_back({std::string(G::kName), [](const OptionMap& map) -> std::unique_ptr<GameFace> {
                          const auto options = G::parse_options(map);
                          return options ? std::make_unique<GameOf<G>>(*options) : nullptr;
                        }});
  };
  (add(std::type_identity<Types>{}), ...);
}

}  // namespace az
