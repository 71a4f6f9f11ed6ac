// The pool: many games at a time, their leaves packed into batches for whoever runs the networks. Threads of its own
// move them on or, without any, those that ask for batches.
//
// It joins its parts: a script says what is played, workers move the games on by a mover each, and the batcher holds
// the leaves that wait. The same pool serves self-play (one player against itself, records kept) and the arena (a list
// of pairings between players, each with an evaluator of its own).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cpp/selfplay/batcher.h"
#include "cpp/selfplay/cache.h"
#include "cpp/selfplay/mover.h"
#include "cpp/selfplay/script.h"
#include "cpp/selfplay/settings.h"
#include "cpp/selfplay/workers.h"

namespace az {

template <Game G>
class Pool {
 public:
  // With `pairings` empty: self-play of player 0, both sides from one tree.
  Pool(const typename G::Options& options, const PoolSettings& settings, std::vector<PlayerSettings> players,
       std::vector<Pairing> pairings)
      : floor_{.options = options, .settings = settings, .shape = G::shape(options)} {
    check(settings, players);
    if (settings.cache_megabytes > 0)
      floor_.cache =
          std::make_unique<EvaluationCache>(static_cast<std::size_t>(settings.cache_megabytes) << 20, G::kMaxMoves,
                                            std::min(G::kMaxMoves, std::max(40, floor_.shape.cells())));
    int evaluators = 0;
    for (const PlayerSettings& p : players) evaluators = std::max(evaluators, p.evaluator + 1);
    floor_.batcher = std::make_unique<Batcher>(evaluators, settings.batch_size, floor_.shape,
                                               std::min(G::kMaxMoves, floor_.shape.policy_size), settings.layout);
    if (pairings.empty()) {
      floor_.script = std::make_unique<SelfPlayScript<G>>(options, settings, std::move(players));
    } else {
      floor_.script = std::make_unique<MatchScript<G>>(options, settings, std::move(players), std::move(pairings));
    }
    const std::int64_t games = floor_.script->games();
    const auto in_flight = static_cast<int>(games < 0 ? settings.games_in_flight
                                                      : std::min<std::int64_t>(games, settings.games_in_flight));
    for (int i = 0; i < in_flight; ++i)
      floor_.games.push_back(std::make_unique<GameInFlight<G>>(typename G::Position(options)));
    workers_ = std::make_unique<Workers>(*floor_.batcher, in_flight, settings.most_finished);
    workers_->start(settings.threads, [this] { return std::make_unique<Mover<G>>(floor_, *workers_); });
  }

  // Ends the workers: no game moves on, and nobody waits.
  void stop() { workers_->stop(); }

  // The next batch to evaluate; waits for it. nullptr: all games are over, or `seconds` went by (then ask again). With
  // `partial` a batch that cannot fill up goes out as it is; without, only full ones do: a consumer that has work under
  // way can wait for more leaves. In a pool without threads the caller moves games on until there is one. Any number of
  // threads may ask at a time. `shared`: so they do, and whoever finds all games waiting for the others' answers waits
  // with them, where a lone consumer is told at once.
  Batch* next_batch(double seconds, bool partial, bool shared = false) {
    Batch* const batch = workers_->next_batch(seconds, partial, shared);
    if (batch != nullptr && floor_.cache) batch->generation = floor_.cache->generation();
    return batch;
  }
  // The answer to a batch. It must stay valid until the same Batch comes out of next_batch() again or the pool is gone.
  // std::invalid_argument where that is no answer: then the batch still waits for one.
  void finish(Batch* batch, const Answer& answer) {
    check_answer(*batch, answer);
    workers_->finish(*batch, answer);
  }
  // Whether every game waits for an answer: nothing moves until finish() is called.
  [[nodiscard]] bool all_parked() const { return workers_->all_parked(); }
  // Finished games since the last call.
  std::vector<GameRecord> take_finished() { return workers_->take_finished(); }
  [[nodiscard]] bool done() const {
    const std::int64_t games = floor_.script->games();
    return games >= 0 && counts().games == static_cast<std::uint64_t>(games);
  }
  [[nodiscard]] PoolCounts counts() const { return workers_->counts(); }

  // Weights of this version answer the batches and play the games that begin from now on.
  void set_version(std::uint64_t version) {
    floor_.script->set_version(version);
    if (floor_.cache) floor_.cache->clear();
  }
  // Self-play searches with so many simulations from its next move on; 0: as the player's settings say.
  void set_simulations(int simulations) { floor_.script->set_simulations(simulations); }
  // Self-play resigns below this root value from now on; none: never.
  void set_resign_below(std::optional<float> value) { floor_.script->set_resign_below(value); }
  [[nodiscard]] const Shape& shape() const { return floor_.shape; }

 private:
  static void check(const PoolSettings& settings, const std::vector<PlayerSettings>& players) {
    if (settings.games_in_flight < 1) throw std::invalid_argument("pool: games_in_flight must be >= 1");
    if (settings.batch_size < 1) throw std::invalid_argument("pool: batch_size must be >= 1");
    if (settings.threads < 0) throw std::invalid_argument("pool: threads must be >= 0");
    if (settings.cache_megabytes < 0) throw std::invalid_argument("pool: cache_megabytes must be >= 0");
    if (players.empty()) throw std::invalid_argument("pool: at least one player is needed");
    for (const PlayerSettings& p : players) p.search.check();
  }

  PoolFloor<G> floor_;
  std::unique_ptr<Workers> workers_;  // last: its threads use all above
};

}  // namespace az
