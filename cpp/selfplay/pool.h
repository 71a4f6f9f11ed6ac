// The pool: many games at a time on worker threads, their leaves packed into batches for whoever runs the networks.
//
// A game waits in a batch while its leaf is evaluated; workers run the games that have their answers. A batch goes out
// when it is full or, if the consumer is hungry, when no game can move without an answer: the pool knows all its games,
// so nothing here waits for a clock. The same pool serves self-play (one player against itself, records kept) and the
// arena (a list of pairings between players, each with an evaluator of its own).
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cpp/search/search.h"
#include "cpp/selfplay/batch.h"
#include "cpp/selfplay/cache.h"
#include "cpp/selfplay/encoding.h"
#include "cpp/selfplay/record.h"
#include "cpp/selfplay/rollout.h"

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
  double full_fraction = 1.0;  // playout cap randomisation (Wu 2019): share of moves searched in full,
  int fast_simulations = 0;    // the others with so few simulations and no noise
  double resign_value = -2.0;  // resign below this root value; under -1: never
  double resign_never = 0.1;   // share of games played to the end all the same
};

struct Pairing {
  int first = 0;
  int second = 0;
  std::string start;         // text of the position to start from; empty: the game's own
  std::uint64_t number = 0;  // names the game: its random numbers follow from it and the seed
};

struct PoolSettings {
  int games_in_flight = 256;
  int batch_size = 128;
  int threads = 1;
  std::uint64_t seed = 0;
  std::int64_t games = -1;          // self-play: how many games in all; -1: without end
  std::uint64_t first_game = 0;     // number of the first game (its seed follows from it)
  int opening_plies = 0;            // self-play: each game starts with 0..opening_plies random moves
  std::vector<std::string> starts;  // self-play: texts of positions to begin from, one drawn for each game
  double start_share = 1.0;         // the share of games that begin at one of them
  bool symmetry = false;            // turn each leaf by a random symmetry
  bool packed = false;              // batches of bit planes instead of float planes
  int cache_megabytes = 0;          // for answers to be used again; 0: none are kept
  int most_finished = 4096;         // unread finished games before the workers wait: memory is bounded, and so is haste
  bool record_policy = true;        // keep policy targets in the records
  // What set_version(), set_simulations() and set_resignation() say, from the first game on.
  std::uint64_t version = 0;
  int simulations = 0;
  double resignation = 1.0;
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
};

template <Game G>
class Pool {
 public:
  using Position = typename G::Position;
  using Moves = MoveList<G::kMaxMoves>;

  // With `pairings` empty: self-play of player 0, both sides from one tree.
  Pool(const typename G::Options& options, const PoolSettings& settings, std::vector<PlayerSettings> players,
       std::vector<Pairing> pairings)
      : options_(options),
        settings_(settings),
        players_(std::move(players)),
        pairings_(std::move(pairings)),
        shape_(G::shape(options)),
        version_(settings.version),
        simulations_(settings.simulations),
        resignation_(settings.resignation) {
    if (settings_.games_in_flight < 1) throw std::invalid_argument("pool: games_in_flight must be >= 1");
    if (settings_.batch_size < 1) throw std::invalid_argument("pool: batch_size must be >= 1");
    if (settings_.threads < 1) throw std::invalid_argument("pool: threads must be >= 1");
    if (settings_.cache_megabytes < 0) throw std::invalid_argument("pool: cache_megabytes must be >= 0");
    if (settings_.cache_megabytes > 0)
      cache_ = std::make_unique<EvaluationCache>(static_cast<std::size_t>(settings_.cache_megabytes) << 20,
                                                 G::kMaxMoves, std::min(G::kMaxMoves, std::max(40, shape_.cells())));
    if (players_.empty()) throw std::invalid_argument("pool: at least one player is needed");
    int evaluators = 0;
    for (const PlayerSettings& p : players_) {
      p.search.check();
      evaluators = std::max(evaluators, p.evaluator + 1);
    }
    for (const Pairing& p : pairings_) {
      const int n = static_cast<int>(players_.size());
      if (p.first < 0 || p.first >= n || p.second < 0 || p.second >= n)
        throw std::invalid_argument("pool: a pairing names no player");
      if (!p.start.empty() && Position::parse(options_, p.start).outcome())
        throw std::invalid_argument("pool: the game is over in the start position '" + p.start + "'");
    }
    for (const std::string& text : settings_.starts)
      if (Position::parse(options_, text).outcome())
        throw std::invalid_argument("pool: the game is over in the start position '" + text + "'");
    games_ = pairings_.empty() ? settings_.games : static_cast<std::int64_t>(pairings_.size());
    filling_ = std::vector<std::atomic<Batch*>>(static_cast<std::size_t>(evaluators));
    const std::int64_t slots =
        games_ < 0 ? settings_.games_in_flight : std::min<std::int64_t>(games_, settings_.games_in_flight);
    for (std::int64_t i = 0; i < slots; ++i) {
      slots_.push_back(std::make_unique<Slot>(Position(options_)));
      runnable_.push_back({static_cast<int>(i), nullptr, 0});
    }
    for (int i = 0; i < settings_.threads; ++i) {
      try {
        workers_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {  // no further thread is to be had here: fewer do as well
        if (workers_.empty()) throw std::invalid_argument("pool: this machine gives no thread to search with");
        break;
      }
    }
  }

  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Ends the workers: no game moves on, and nobody waits.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_to_do_.notify_all();
    batch_ready_.notify_all();
    const std::lock_guard lock(joining_);
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  // The next batch to evaluate; waits for it. nullptr: all games are over, or `seconds` went by (then ask again). With
  // `partial` a batch that cannot fill up goes out as it is; without, only full ones do: a consumer that has work under
  // way can wait for more leaves. Any number of threads may ask at a time. `shared`: so they do, and whoever finds all
  // games waiting for the others' answers waits with them, where a lone consumer is told at once.
  Batch* next_batch(double seconds, bool partial, bool shared = false) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::min(seconds, 1e6));
    const auto settled = [this, shared] {
      return stop_ || !ready_.empty() || full_of_games() ||
             (runnable_.empty() && running_ == 0 && (!shared || under_way_ == 0 || some_filled()));
    };
    while (ready_.empty() || stop_) {
      if (!batch_ready_.wait_until(lock, deadline, settled)) return nullptr;
      if (failure_) std::rethrow_exception(failure_);
      if (stop_) return nullptr;
      if (!ready_.empty()) break;
      if (!partial || running_ > 0 || !runnable_.empty() || !close_fullest()) return nullptr;
    }
    Batch* const batch = ready_.front();
    ready_.pop_front();
    batch->serial = ++serials_;
    ++under_way_;
    if (cache_) batch->generation = cache_->generation();
    ++counts_.batches;
    counts_.evaluations += static_cast<std::uint64_t>(batch->written.load());
    return batch;
  }

  // Whether every game waits for an answer: nothing moves until finish() is called.
  [[nodiscard]] bool all_parked() {
    const std::lock_guard lock(mutex_);
    return stop_ || (ready_.empty() && runnable_.empty() && running_ == 0);
  }

  // The answer to a batch: wdl [size][3] and logits [size][width] by policy index or, where `gathered`, of the legal
  // moves alone. Both must stay valid until the same Batch comes out of next_batch() again or the pool is gone.
  // std::invalid_argument where that is no answer: then the batch still waits for one.
  void finish(Batch* batch, const float* logits, int width, bool gathered, const float* wdl) {
    check_answer(*batch, logits, width, gathered, wdl);
    {
      const std::lock_guard lock(mutex_);
      batch->logits = logits;
      batch->wdl = wdl;
      batch->logits_width = width;
      batch->gathered = gathered;
      batch->serial = 0;
      --under_way_;
      const int rows = batch->written.load();
      batch->unread = rows;
      for (int row = 0; row < rows; ++row)
        runnable_.push_back({batch->slots[static_cast<std::size_t>(row)], batch, row});
    }
    work_to_do_.notify_all();
  }

  // Finished games since the last call.
  std::vector<GameRecord> take_finished() {
    std::vector<GameRecord> out;
    {
      const std::lock_guard lock(mutex_);
      out.swap(finished_);
    }
    work_to_do_.notify_all();
    return out;
  }

  [[nodiscard]] bool done() {
    const std::lock_guard lock(mutex_);
    return games_ >= 0 && counts_.games == static_cast<std::uint64_t>(games_);
  }
  [[nodiscard]] PoolCounts counts() {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  // Weights of this version answer the batches and play the games that begin from now on.
  void set_version(std::uint64_t version) {
    version_.store(version);
    if (cache_) cache_->clear();
  }
  // Player 0 searches with so many simulations from its next move on.
  void set_simulations(int simulations) { simulations_.store(simulations); }
  // Self-play resigns below this root value from now on; -1: never.
  void set_resignation(double value) { resignation_.store(value); }
  [[nodiscard]] const Shape& shape() const { return shape_; }

 private:
  // Nothing that is not a number gets into a tree: there it would beat, or lose to, every other for good.
  static void check_answer(const Batch& batch, const float* logits, int width, bool gathered, const float* wdl) {
    const auto refuse = [&batch](const char* what) {
      throw std::invalid_argument("evaluator " + std::to_string(batch.evaluator) + " answered with " + what +
                                  ": its network is damaged, or its numbers overflow");
    };
    const auto rows = static_cast<std::size_t>(batch.written.load());
    for (std::size_t row = 0; row < rows; ++row) {
      const float* const shares = wdl + row * 3;
      const float sum = shares[0] + shares[1] + shares[2];
      const float least = std::min({shares[0], shares[1], shares[2]});
      if (!std::isfinite(sum)) refuse("a value that is not a number");
      if (least < -0.01F || std::abs(sum - 1.0F) > 0.05F) refuse("win, draw and loss that are no probabilities");
      const float* const own = logits + row * static_cast<std::size_t>(width);
      const std::int32_t* const legal = batch.legal.data() + row * static_cast<std::size_t>(batch.max_moves);
      const auto count = static_cast<std::size_t>(batch.legal_count[row]);
      float zeros = 0.0F;  // nan as soon as one is nan or infinite
      for (std::size_t i = 0; i < count; ++i) zeros += 0.0F * (gathered ? own[i] : own[legal[i]]);
      if (zeros != 0.0F) refuse("logits that are not numbers");
    }
  }

  enum class Run { kParked, kYield, kIdle };

  struct Slot {
    explicit Slot(const Position& start) : position(start) {}
    Position position;                       // used between games; the searches hold the running game
    std::unique_ptr<Search<G>> searches[2];  // by side; self-play uses the first for both
    GameRecord record;
    Rng rng{0};
    bool playing = false;
    bool searching = false;
    bool full = true;
    bool may_resign = true;
  };
  struct Item {
    int slot;
    Batch* batch;  // the answer to read first; nullptr: none
    int row;
  };
  struct Worker {
    explicit Worker(const typename G::Options& options) : encoder(options) {}
    Encoder<G> encoder;
    std::vector<float> logits;
    std::vector<float> target;
    PoolCounts counts;
    std::vector<GameRecord> finished;
  };

  void work() {
    Worker me(options_);
    std::vector<Item> mine;
    std::unique_lock lock(mutex_);
    for (;;) {
      work_to_do_.wait(lock, [this] { return stop_ || (!runnable_.empty() && !full_of_games()); });
      if (stop_) return;
      const std::size_t share = runnable_.size() / (2 * static_cast<std::size_t>(settings_.threads));
      const std::size_t count = std::min(runnable_.size(), std::clamp<std::size_t>(share, 1, 16));
      mine.assign(runnable_.begin(), runnable_.begin() + static_cast<std::ptrdiff_t>(count));
      runnable_.erase(runnable_.begin(), runnable_.begin() + static_cast<std::ptrdiff_t>(count));
      running_ += static_cast<int>(count);
      lock.unlock();
      std::size_t yielded = 0;
      try {
        for (const Item& item : mine) {
          if (item.batch != nullptr) read_answer(me, item);
          Run result = Run::kYield;
          if (!stop_) result = run(me, item.slot);
          if (result == Run::kYield) mine[yielded++] = {item.slot, nullptr, 0};
        }
        lock.lock();
      } catch (...) {  // such as no memory: told to the consumer, and all stop
        if (!lock.owns_lock()) lock.lock();
        if (!failure_) failure_ = std::current_exception();
        stop_ = true;
        work_to_do_.notify_all();
        batch_ready_.notify_all();
        return;
      }
      for (std::size_t i = 0; i < yielded; ++i) runnable_.push_back(mine[i]);
      running_ -= static_cast<int>(count);
      merge(me);
      if (running_ == 0 && runnable_.empty()) batch_ready_.notify_all();
      if (yielded > 0 || full_of_games()) {
        work_to_do_.notify_one();
        if (full_of_games()) batch_ready_.notify_one();
      }
    }
  }

  void merge(Worker& me) {
    counts_.simulations += me.counts.simulations;
    counts_.cache_hits += me.counts.cache_hits;
    counts_.plies += me.counts.plies;
    counts_.games += me.counts.games;
    counts_.nodes += me.counts.nodes;
    counts_.tree_bytes += me.counts.tree_bytes;
    me.counts = PoolCounts{};
    for (GameRecord& record : me.finished) finished_.push_back(std::move(record));
    me.finished.clear();
  }

  void read_answer(Worker& me, const Item& item) {
    Slot& slot = *slots_[static_cast<std::size_t>(item.slot)];
    const auto row = static_cast<std::size_t>(item.row);
    const Batch& batch = *item.batch;
    const float* const logits = batch.logits + row * static_cast<std::size_t>(batch.logits_width);
    const std::int32_t* const legal = batch.legal.data() + row * static_cast<std::size_t>(batch.max_moves);
    const auto count = static_cast<std::size_t>(batch.legal_count[row]);
    me.logits.resize(count);
    for (std::size_t i = 0; i < count; ++i) me.logits[i] = batch.gathered ? logits[i] : logits[legal[i]];
    const float value = batch.wdl[row * 3] - batch.wdl[row * 3 + 2];
    if (cache_) cache_->put(batch.keys[row], batch.generation, me.logits, value);
    search_of(slot).tell(batch.tickets[row], me.logits.data(), value);
    if (item.batch->unread.fetch_sub(1) == 1) {
      const std::lock_guard lock(mutex_);
      free_.push_back(item.batch);
    }
  }

  [[nodiscard]] bool self_play() const { return pairings_.empty(); }
  Search<G>& search_of(Slot& slot) { return *slot.searches[self_play() ? 0 : slot.searches[0]->position().turn()]; }
  const PlayerSettings& player_of(const Slot& slot) const {
    if (self_play()) return players_[0];
    return players_[slot.searches[0]->position().turn() == 0 ? slot.record.first : slot.record.second];
  }

  // Moves a game on until it waits for an answer, played a move without one, or nothing is left to play.
  Run run(Worker& me, int index) {
    Slot& slot = *slots_[static_cast<std::size_t>(index)];
    if (!slot.playing && !new_game(slot)) return Run::kIdle;
    for (;;) {
      const PlayerSettings& player = player_of(slot);
      Search<G>& search = search_of(slot);
      if (!slot.searching) {
        Moves moves;
        search.position().legal_moves(moves);
        if (player.evaluator == kRandom || moves.size() == 1) {
          Move move = moves[0];
          if (player.evaluator == kRandom) {
            Moves choice;
            rollout_moves<G>(search.position(), choice);
            move = choice[slot.rng.below(choice.size())];
          }
          PlyRecord ply;
          ply.kind = moves.size() == 1 ? PlyKind::kForced : PlyKind::kOpening;
          if (play(me, slot, move, std::move(ply))) return Run::kYield;
          continue;
        }
        const int full_budget =
            self_play() && simulations_.load() > 0 ? simulations_.load() : player.search.simulations;
        slot.full = player.full_fraction >= 1.0 || slot.rng.uniform() < player.full_fraction;
        search.begin(slot.full ? full_budget : player.fast_simulations, player.noise && slot.full);
        slot.searching = true;
      }
      Batch* parked = nullptr;
      float value = 0.0F;
      int own_ticket = 0;
      const Ask result = search.ask([&](Position& leaf, const Moves& moves, int ticket) {
        own_ticket = ticket;
        if (player.evaluator >= 0) {
          me.encoder.encode(leaf);
          const Key key = me.encoder.hash(moves) + static_cast<Key>(player.evaluator);
          if (cache_ && cache_->find(key, me.logits, value)) {
            ++me.counts.cache_hits;
          } else {
            parked = park(me, slot, index, player.evaluator, leaf, moves, ticket, key);
          }
          return;
        }
        me.logits.assign(static_cast<std::size_t>(moves.size()), 0.0F);
        if (player.evaluator == kRollout) value = rollout<G>(leaf, shape_, slot.rng);
      });
      if (parked != nullptr) {
        // Only now: once the batch is out, its answer may bring another worker here, and the search must be at rest.
        publish_row(*parked);
        return Run::kParked;
      }
      if (stop_) return Run::kYield;
      if (result == Ask::kLeaf) {
        search.tell(own_ticket, me.logits.data(), value);
        continue;
      }
      slot.searching = false;
      finish_search(me, slot, player, search);
      if (!slot.playing || player.evaluator < 0) return Run::kYield;
    }
  }

  // Takes the next game of the list; false when there is none left.
  bool new_game(Slot& slot) {
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (games_ >= 0 && begun_ >= static_cast<std::uint64_t>(games_)) return false;
      number = begun_++;
    }
    slot.record = GameRecord{};
    slot.record.number =
        self_play() ? number + settings_.first_game : pairings_[static_cast<std::size_t>(number)].number;
    slot.record.version = version_.load();
    slot.rng = Rng(settings_.seed, slot.record.number);
    slot.position = Position(options_);
    if (self_play()) {
      if (!settings_.starts.empty() && slot.rng.uniform() < settings_.start_share) {
        slot.record.start =
            settings_.starts[static_cast<std::size_t>(slot.rng.below(static_cast<int>(settings_.starts.size())))];
        slot.position = Position::parse(options_, slot.record.start);
      }
      open_at_random(slot);
    } else {
      const Pairing& pairing = pairings_[static_cast<std::size_t>(number)];
      slot.record.first = static_cast<std::uint32_t>(pairing.first);
      slot.record.second = static_cast<std::uint32_t>(pairing.second);
      slot.record.start = pairing.start;
      if (!pairing.start.empty()) slot.position = Position::parse(options_, pairing.start);
    }
    slot.may_resign = slot.rng.uniform() >= players_[slot.record.first].resign_never;
    for (int side = 0; side < (self_play() ? 1 : 2); ++side) {
      const PlayerSettings& player = players_[side == 0 ? slot.record.first : slot.record.second];
      const std::uint64_t seed = slot.rng();
      auto& search = slot.searches[side];
      if (search) {
        search->settings() = player.search;
        search->reset(slot.position, seed);
      } else {
        search = std::make_unique<Search<G>>(slot.position, player.search, seed);
        search->stop_when(&stop_);
      }
    }
    slot.playing = true;
    slot.searching = false;
    return true;
  }

  // 0..opening_plies random moves that do not end the game.
  void open_at_random(Slot& slot) {
    const int plies = settings_.opening_plies > 0 ? slot.rng.below(settings_.opening_plies + 1) : 0;
    for (int i = 0; i < plies; ++i) {
      Moves moves;
      rollout_moves<G>(slot.position, moves);
      const Move move = moves[slot.rng.below(moves.size())];
      slot.position.play(move);
      if (slot.position.outcome()) {
        slot.position.undo();
        return;
      }
      PlyRecord ply;
      ply.move = move;
      slot.record.plies.push_back(std::move(ply));
    }
  }

  [[nodiscard]] double resign_below(const PlayerSettings& player) const {
    const double value = self_play() ? resignation_.load() : 1.0;
    return value > 0.0 ? player.resign_value : value;
  }

  // The search at the root is over: records it and plays its move.
  void finish_search(Worker& me, Slot& slot, const PlayerSettings& player, Search<G>& search) {
    PlyRecord ply;
    ply.kind = slot.full ? PlyKind::kFull : PlyKind::kFast;
    ply.simulations = static_cast<std::uint32_t>(search.simulations());
    // The mean over simulations, with Gumbel too: the value of the improved policy is the best of many noisy guesses,
    // and teaching it made chess learn far slower (docs/recipe.md).
    ply.root_value = search.root_value();
    me.counts.simulations += ply.simulations;
    me.counts.nodes += search.tree().node_count();
    me.counts.tree_bytes += search.tree().bytes();
    if (settings_.record_policy && slot.full) {
      search.policy_target(me.target);
      const auto& moves = search.root_moves();
      for (std::size_t i = 0; i < moves.size(); ++i) {
        const float p = me.target[i];
        if (p > 0.0F) ply.surprise += p * (std::log(p) - std::log(std::max(moves[i].prior, 1e-9F)));
        const auto weight = static_cast<std::uint16_t>(p * 65535.0F + 0.5F);
        if (weight > 0) ply.policy.push_back({moves[i].move, weight});
      }
    }
    if (ply.root_value < resign_below(player) && slot.may_resign) {
      const Outcome lost{search.position().turn() == 0 ? -1 : 1, "resign", std::nullopt};
      end_game(me, slot, lost);
      return;
    }
    const bool sample = player.search.kind == SearchKind::kPuct && search.position().ply() < player.temperature_plies;
    const Move move = sample ? search.sample_move(player.temperature) : search.best_move();
    play(me, slot, move, std::move(ply));
  }

  // Plays a move in the game; true when that ends it.
  bool play(Worker& me, Slot& slot, Move move, PlyRecord&& ply) {
    ply.move = move;
    slot.record.plies.push_back(std::move(ply));
    ++me.counts.plies;
    slot.searches[0]->play(move);
    if (!self_play()) slot.searches[1]->play(move);
    const auto outcome = slot.searches[0]->position().outcome();
    if (outcome) end_game(me, slot, *outcome);
    return outcome.has_value();
  }

  void end_game(Worker& me, Slot& slot, const Outcome& outcome) {
    slot.record.value = outcome.value;
    slot.record.reason = outcome.reason;
    slot.record.to_the_end = !slot.may_resign || resign_below(players_[slot.record.first]) <= -1.0;
    slot.record.has_score = outcome.score.has_value();
    slot.record.score = outcome.score.value_or(0.0F);
    ++me.counts.games;
    me.finished.push_back(std::move(slot.record));
    slot.playing = false;
  }

  // A row of the batch that is being filled. Without the lock, as every leaf passes here. A row past the capacity says
  // that the batch was full: it stays where it is until the next leaf comes, even while it is answered, and
  // fresh_batch() may make it the one that is filled again. So whoever holds the lock looks again before replacing it.
  std::pair<Batch*, std::size_t> reserve_row(int evaluator) {
    std::atomic<Batch*>& filling = filling_[static_cast<std::size_t>(evaluator)];
    for (;;) {
      Batch* batch = filling.load();
      if (batch != nullptr) {
        const int row = batch->reserved.fetch_add(1);
        if (row < batch->capacity) return {batch, static_cast<std::size_t>(row)};
      }
      const std::lock_guard lock(mutex_);
      batch = filling.load();
      if (batch == nullptr || batch->reserved.load() >= batch->capacity) filling.store(fresh_batch(evaluator));
    }
  }

  // Writes the leaf that the encoder holds into the batch of its evaluator, where the game will wait.
  Batch* park(Worker& me, Slot& slot, int index, int evaluator, const Position& leaf, const Moves& moves, int ticket,
              Key key) {
    int symmetry = 0;
    if (settings_.symmetry && shape_.symmetries > 1) {
      // With a cache the leaf draws it, not the game: then whoever asks first, the answer is the same.
      const Key mixed = (key ^ (settings_.seed + version_.load())) * 0x9e3779b97f4a7c15ULL >> 32;
      symmetry =
          cache_ ? static_cast<int>(mixed % static_cast<Key>(shape_.symmetries)) : slot.rng.below(shape_.symmetries);
    }
    const auto [batch, row] = reserve_row(evaluator);
    if (settings_.packed) {
      me.encoder.pack(symmetry, batch->bits.data() + row * static_cast<std::size_t>(shape_.bit_planes * shape_.words()),
                      batch->scalars.data() + row * static_cast<std::size_t>(shape_.scalar_planes));
    } else {
      me.encoder.expand(symmetry,
                        batch->planes.data() + row * static_cast<std::size_t>(shape_.planes() * shape_.cells()));
    }
    std::int32_t* const legal = batch->legal.data() + row * static_cast<std::size_t>(batch->max_moves);
    for (int i = 0; i < moves.size(); ++i) legal[i] = me.encoder.map_policy(symmetry, leaf.policy_index(moves[i]));
    batch->legal_count[row] = moves.size();
    batch->tickets[row] = ticket;
    batch->slots[row] = index;
    batch->keys[row] = key;
    return batch;
  }
  // A row of the batch is complete and its game at rest; a full batch goes out.
  void publish_row(Batch& batch) {
    if (batch.written.fetch_add(1) + 1 < batch.capacity) return;
    const std::lock_guard lock(mutex_);
    ready_.push_back(&batch);
    batch_ready_.notify_one();
  }

  // mutex_ is held in the two below.
  Batch* fresh_batch(int evaluator) {
    const auto at =
        std::find_if(free_.begin(), free_.end(), [evaluator](const Batch* b) { return b->evaluator == evaluator; });
    if (at == free_.end()) {
      batches_.push_back(
          std::make_unique<Batch>(evaluator, settings_.batch_size, shape_, G::kMaxMoves, settings_.packed));
      return batches_.back().get();
    }
    Batch* const batch = *at;
    free_.erase(at);
    batch->written = 0;
    batch->reserved = 0;
    return batch;
  }
  [[nodiscard]] bool full_of_games() const {
    return finished_.size() >= static_cast<std::size_t>(settings_.most_finished);
  }
  // Whether close_fullest() would find one.
  [[nodiscard]] bool some_filled() const {
    return std::any_of(filling_.begin(), filling_.end(), [](const std::atomic<Batch*>& each) {
      const Batch* const batch = each.load();
      const int written = batch == nullptr ? 0 : batch->written.load();
      return written > 0 && written < batch->capacity;
    });
  }
  // Sends out the fullest batch that is being filled; false when there is none. All games are parked.
  bool close_fullest() {
    std::atomic<Batch*>* fullest = nullptr;
    int most = 0;
    for (std::atomic<Batch*>& each : filling_) {
      const Batch* const batch = each.load();
      const int written = batch == nullptr ? 0 : batch->written.load();
      if (written <= most || written == batch->capacity) continue;  // a full one has gone out already
      most = written;
      fullest = &each;
    }
    if (fullest == nullptr) return false;
    ready_.push_back(fullest->exchange(nullptr));
    return true;
  }

  const typename G::Options options_;
  const PoolSettings settings_;
  const std::vector<PlayerSettings> players_;
  const std::vector<Pairing> pairings_;
  const Shape shape_;
  std::int64_t games_ = -1;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::unique_ptr<Batch>> batches_;
  std::unique_ptr<EvaluationCache> cache_;
  std::atomic<std::uint64_t> version_;
  std::atomic<int> simulations_;     // 0: as the player's settings say
  std::atomic<double> resignation_;  // above 0: as the player's settings say

  std::mutex mutex_;  // guards all below
  std::condition_variable work_to_do_;
  std::condition_variable batch_ready_;
  std::deque<Item> runnable_;
  std::vector<std::atomic<Batch*>> filling_;  // by evaluator; read without the lock, nullptr or perhaps full
  std::deque<Batch*> ready_;
  std::vector<Batch*> free_;
  std::vector<GameRecord> finished_;
  PoolCounts counts_;
  std::uint64_t begun_ = 0;
  std::uint64_t serials_ = 0;
  int running_ = 0;
  int under_way_ = 0;           // batches that went out and have no answer yet
  std::exception_ptr failure_;  // of a worker
  std::atomic<bool> stop_ = false;
  std::mutex joining_;

  std::vector<std::thread> workers_;  // last: they use all above
};

}  // namespace az
