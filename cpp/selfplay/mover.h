// Moves games on: searches, asks for evaluations, plays what was found and records it. One a thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cpp/search/search.h"
#include "cpp/selfplay/batcher.h"
#include "cpp/selfplay/cache.h"
#include "cpp/selfplay/encoding.h"
#include "cpp/selfplay/record.h"
#include "cpp/selfplay/rollout.h"
#include "cpp/selfplay/script.h"
#include "cpp/selfplay/settings.h"
#include "cpp/selfplay/workers.h"

namespace az {

// What the threads of a pool share.
template <Game G>
struct PoolFloor {
  const typename G::Options options;
  const PoolSettings settings;
  const Shape shape;
  std::unique_ptr<Script<G>> script{};
  std::unique_ptr<EvaluationCache> cache{};  // nullptr: none is kept
  std::unique_ptr<Batcher> batcher{};
  std::vector<std::unique_ptr<GameInFlight<G>>> games{};
};

template <Game G>
class Mover final : public Workers::Hand {
 public:
  using Position = typename G::Position;
  using Moves = MoveList<G::kMaxMoves>;

  Mover(PoolFloor<G>& floor, Workers& workers)
      : floor_(floor), workers_(workers), stop_(workers.stopping()), encoder_(floor.options) {}

  bool move(const Workers::Task& task) override {
    GameInFlight<G>& game = *floor_.games[static_cast<std::size_t>(task.game)];
    if (task.batch != nullptr) read_answer(game, *task.batch, static_cast<std::size_t>(task.row));
    return stop_ || run(game, task.game);
  }

 private:
  void read_answer(GameInFlight<G>& game, Batch& batch, std::size_t row) {
    const Answer& answer = batch.answer;
    const float* const logits = answer.logits + row * static_cast<std::size_t>(answer.width);
    const std::int32_t* const legal = batch.legal.data() + row * static_cast<std::size_t>(batch.max_moves);
    const auto count = static_cast<std::size_t>(batch.legal_count[row]);
    logits_.resize(count);
    for (std::size_t i = 0; i < count; ++i) logits_[i] = answer.gathered ? logits[i] : logits[legal[i]];
    const float value = answer.wdl[row * 3] - answer.wdl[row * 3 + 2];
    if (floor_.cache) floor_.cache->put(batch.keys[row], batch.generation, logits_, value);
    game.search().tell(batch.tickets[row], logits_.data(), value);
    floor_.batcher->release(batch);
  }

  // Until the game waits for an answer or none is left to play (false), or it played a move without one (true).
  bool run(GameInFlight<G>& game, int index) {
    if (!game.playing && !floor_.script->begin(game, stop_)) return false;
    for (;;) {
      const PlayerSettings& player = game.player();
      if (!game.searching) {
        if (std::optional<PlyRecord> ply = unsearched(game, player)) {
          if (play(game, std::move(*ply))) return true;
          continue;
        }
        begin_search(game, player);
      }
      const Searched searched = search_on(game, index, player);
      if (searched != Searched::kDone) return searched == Searched::kStopped;
      finish_search(game, player);
      if (!game.playing || player.evaluator < 0) return true;
    }
  }

  // --- a move ---

  // What is played without a search: the only move, or a player's that moves at random.
  std::optional<PlyRecord> unsearched(GameInFlight<G>& game, const PlayerSettings& player) const {
    Moves moves;
    game.now().legal_moves(moves);
    const bool forced = moves.size() == 1;
    if (player.evaluator != kRandom && !forced) return std::nullopt;
    PlyRecord ply;
    ply.kind = forced ? PlyKind::kForced : PlyKind::kOpening;
    ply.move = moves[0];
    if (player.evaluator == kRandom) {
      Moves choice;
      rollout_moves<G>(game.now(), choice);
      ply.move = choice[game.rng.below(choice.size())];
    }
    return ply;
  }

  void begin_search(GameInFlight<G>& game, const PlayerSettings& player) const {
    const int full = floor_.script->simulations(player);
    game.full = player.full_fraction >= 1.0 || game.rng.uniform() < player.full_fraction;
    game.search().begin(game.full ? full : player.fast_simulations, player.noise && game.full);
    game.searching = true;
  }

  enum class Searched { kParked, kStopped, kDone };
  Searched search_on(GameInFlight<G>& game, int index, const PlayerSettings& player) {
    Search<G>& search = game.search();
    for (;;) {
      Batch* parked = nullptr;
      float value = 0.0F;
      int own_ticket = 0;
      const Ask result = search.ask([&](Position& leaf, const Moves& moves, int ticket) {
        own_ticket = ticket;
        if (player.evaluator >= 0) {
          parked = answer_or_park(game, index, player.evaluator, leaf, moves, ticket, value);
          return;
        }
        logits_.assign(static_cast<std::size_t>(moves.size()), 0.0F);
        if (player.evaluator == kRollout) value = rollout<G>(leaf, floor_.shape, game.rng);
      });
      if (parked != nullptr) {
        // Only now: once the batch is out, its answer may bring another thread here, and the search must be at rest.
        if (floor_.batcher->publish(*parked)) workers_.batch_is_ready();
        return Searched::kParked;
      }
      if (stop_) return Searched::kStopped;
      if (result != Ask::kLeaf) return Searched::kDone;
      search.tell(own_ticket, logits_.data(), value);
    }
  }

  // The search at the root is over: records it and plays its move.
  void finish_search(GameInFlight<G>& game, const PlayerSettings& player) {
    Search<G>& search = game.search();
    game.searching = false;
    PlyRecord ply;
    ply.kind = game.full ? PlyKind::kFull : PlyKind::kFast;
    ply.simulations = static_cast<std::uint32_t>(search.tree().simulations());
    // The mean over simulations, with Gumbel too: the value of the improved policy is the best of many noisy guesses,
    // and teaching it made chess learn far slower (docs/recipe.md).
    ply.root_value = root_value(search.tree());
    counts.simulations += ply.simulations;
    counts.nodes += search.tree().nodes().node_count();
    counts.tree_bytes += search.tree().nodes().bytes();
    if (floor_.settings.record_policy && game.full) record_policy(search, ply);
    const std::optional<float> resign_below = floor_.script->resign_below(player);
    if (resign_below && ply.root_value < *resign_below) {
      if (game.may_resign) {
        end_game(game, {search.position().turn() == 0 ? -1 : 1, "resign", std::nullopt});
        return;
      }
      game.record.stands_for = std::min(kMostStandsFor, static_cast<float>(1.0 / player.resign_keep));
    }
    const bool sample = player.search.kind == SearchKind::kPuct && search.position().ply() < player.temperature_plies;
    ply.move = sample ? sample_move(search.tree(), player.temperature, search.tree().rng()) : best_move(search.tree());
    play(game, std::move(ply));
  }
  void record_policy(Search<G>& search, PlyRecord& ply) {
    policy_target(search.tree(), target_);
    const auto& moves = search.tree().root_moves();
    for (std::size_t i = 0; i < moves.size(); ++i) {
      const float p = target_[i];
      if (p > 0.0F) ply.surprise += p * (std::log(p) - std::log(std::max(moves[i].prior, 1e-9F)));
      const auto weight = static_cast<std::uint16_t>(p * 65535.0F + 0.5F);
      if (weight > 0) ply.policy.push_back({moves[i].move, weight});
    }
  }

  // Plays the ply's move in the game; true when that ends it.
  bool play(GameInFlight<G>& game, PlyRecord&& ply) {
    const Move move = ply.move;
    game.record.plies.push_back(std::move(ply));
    ++counts.plies;
    for (const auto& tree : game.trees)
      if (tree) tree->play(move);
    const auto outcome = game.now().outcome();
    if (outcome) end_game(game, *outcome);
    return outcome.has_value();
  }
  void end_game(GameInFlight<G>& game, const Outcome& outcome) {
    GameRecord& record = game.record;
    record.value = outcome.value;
    record.reason = outcome.reason;
    record.to_the_end = !game.may_resign || !floor_.script->resign_below(*game.players[0]);
    record.has_score = outcome.score.has_value();
    record.score = outcome.score.value_or(0.0F);
    ++counts.games;
    finished.push_back(std::move(record));
    game.playing = false;
  }

  // --- a leaf ---

  // Finds the leaf's answer in the cache, or writes the leaf into a batch, where the game will wait; nullptr: found.
  Batch* answer_or_park(GameInFlight<G>& game, int index, int evaluator, const Position& leaf, const Moves& moves,
                        int ticket, float& value) {
    encoder_.encode(leaf);
    const Key key = encoder_.hash(moves) + static_cast<Key>(evaluator);
    if (floor_.cache && floor_.cache->find(key, logits_, value)) {
      ++counts.cache_hits;
      return nullptr;
    }
    const int symmetry = draw_symmetry(game, key);
    const auto [batch, row] = floor_.batcher->reserve(evaluator);
    const Shape& shape = floor_.shape;
    const std::size_t at = row * static_cast<std::size_t>(shape.planes() * shape.cells());
    switch (floor_.settings.layout) {
      case Layout::kFloat32:
        encoder_.expand(symmetry, batch->planes.data() + at);
        break;
      case Layout::kBfloat16:
        encoder_.expand(symmetry, batch->halves.data() + at);
        break;
      case Layout::kPacked:
        encoder_.pack(symmetry, batch->bits.data() + row * static_cast<std::size_t>(shape.bit_planes * shape.words()),
                      batch->scalars.data() + row * static_cast<std::size_t>(shape.numbers()));
        break;
    }
    std::int32_t* const legal = batch->legal.data() + row * static_cast<std::size_t>(batch->max_moves);
    for (int i = 0; i < moves.size(); ++i) legal[i] = encoder_.map_policy(symmetry, leaf.policy_index(moves[i]));
    batch->legal_count[row] = moves.size();
    batch->tickets[row] = ticket;
    batch->slots[row] = index;
    batch->keys[row] = key;
    return batch;
  }
  // With a cache the leaf draws it, not the game: then whoever asks first, the answer is the same.
  int draw_symmetry(GameInFlight<G>& game, Key key) const {
    const int count = floor_.shape.symmetries;
    if (!floor_.settings.symmetry || count <= 1) return 0;
    if (!floor_.cache) return game.rng.below(count);
    const Key mixed = (key ^ (floor_.settings.seed + floor_.script->version())) * 0x9e3779b97f4a7c15ULL >> 32;
    return static_cast<int>(mixed % static_cast<Key>(count));
  }

  PoolFloor<G>& floor_;
  Workers& workers_;
  const std::atomic<bool>& stop_;
  Encoder<G> encoder_;
  std::vector<float> logits_;  // of the leaf that is answered
  std::vector<float> target_;
};

}  // namespace az
