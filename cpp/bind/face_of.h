// The face of one game, made from its templates. Included once a game by a source file that the build generates.
#pragma once

#include <chrono>
#include <cmath>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cpp/bind/face.h"
#include "cpp/search/parallel.h"

namespace az {

template <Game G>
class PositionOf final : public PositionFace {
 public:
  using Position = typename G::Position;

  PositionOf(const typename G::Options& options, Position position, std::string start)
      : encoder_(options), position_(std::move(position)), start_(std::move(start)) {}

  std::unique_ptr<PositionFace> copy() const override { return std::make_unique<PositionOf>(*this); }
  std::vector<std::string> legal_moves() const override {
    std::vector<std::string> out;
    for (const Move move : moves()) out.push_back(position_.move_text(move));
    return out;
  }
  std::vector<std::int32_t> policy_indices() const override {
    std::vector<std::int32_t> out;
    for (const Move move : moves()) out.push_back(position_.policy_index(move));
    return out;
  }
  void play(std::string_view text) override {
    const Move move = position_.parse_move(text);
    position_.play(move);
    played_.push_back(move);
  }
  void undo() override {
    if (played_.empty()) throw std::invalid_argument("undo: no move to take back");
    position_.undo();
    played_.pop_back();
  }
  int turn() const override { return position_.turn(); }
  int ply() const override { return position_.ply(); }
  Key key() const override { return position_.key(); }
  std::string text() const override { return position_.text(); }
  std::string diagram() const override { return position_.diagram(); }
  std::optional<Outcome> outcome() const override { return position_.outcome(); }
  bool in_check() const override {
    if constexpr (HasCheck<G>) return position_.in_check();
    return false;
  }
  bool can_declare() const override {
    if constexpr (HasDeclaration<G>) return position_.can_declare();
    return false;
  }
  std::vector<std::int8_t> ownership() const override {
    std::vector<std::int8_t> cells;
    if constexpr (HasOwnership<G>) {
      cells.resize(static_cast<std::size_t>(encoder_.shape().cells()));
      position_.ownership(cells);
    }
    return cells;
  }
  std::uint64_t perft(int depth, const std::function<void()>& between) override {
    std::uint64_t since = 0;
    return count(position_, depth, since, between);
  }
  void planes(float* out) const override { encoder_.dense(position_, 0, out); }
  std::pair<float, std::vector<std::string>> random_playout(std::uint64_t seed) const override {
    Position position = position_;
    Rng rng(seed);
    std::vector<std::string> played;
    auto outcome = position.outcome();
    for (int plies = 0; !outcome && plies < 4 * encoder_.shape().cells(); ++plies) {
      MoveList<G::kMaxMoves> choice;
      rollout_moves<G>(position, choice);
      const Move move = choice[rng.below(choice.size())];
      played.push_back(position.move_text(move));
      position.play(move);
      outcome = position.outcome();
    }
    return {outcome ? static_cast<float>(outcome->value) : 0.0F, played};
  }

  [[nodiscard]] const Position& position() const { return position_; }
  [[nodiscard]] const std::vector<Move>& played() const { return played_; }
  [[nodiscard]] const std::string& start() const { return start_; }

 private:
  [[nodiscard]] MoveList<G::kMaxMoves> moves() const {
    MoveList<G::kMaxMoves> list;
    position_.legal_moves(list);
    return list;
  }
  // since: sequences counted since between() was last called.
  static std::uint64_t count(Position& position, int depth, std::uint64_t& since,
                             const std::function<void()>& between) {
    if (depth <= 0) return 1;
    if constexpr (HasMoveCount<G>) {
      if (depth == 1) return static_cast<std::uint64_t>(position.count_moves());
    }
    MoveList<G::kMaxMoves> list;
    position.legal_moves(list);
    if (depth == 1) return static_cast<std::uint64_t>(list.size());  // bulk counting
    std::uint64_t nodes = 0;
    for (const Move move : list) {
      position.play(move);
      nodes += count(position, depth - 1, since, between);
      position.undo();
    }
    if (depth == 2) since += nodes;
    if (since > kSequencesAtATime) {
      since = 0;
      between();
    }
    return nodes;
  }

  static constexpr std::uint64_t kSequencesAtATime = 1 << 20;
  mutable Encoder<G> encoder_;  // has a scratch buffer
  Position position_;
  std::string start_;
  std::vector<Move> played_;  // since start_
};

template <Game G>
class SearchOf final : public SearchFace {
 public:
  SearchOf(const typename G::Options& options, const SearchSettings& settings, std::uint64_t seed)
      : encoder_(options), search_(typename G::Position(options), settings, seed), rng_(seed, 1), seed_(seed) {}

  void set_position(const PositionFace& face) override {
    const auto& next = dynamic_cast<const PositionOf<G>&>(face);
    const std::vector<Move>& played = next.played();
    const bool follows = used_ && next.start() == start_ && played.size() >= played_.size() &&
                         std::equal(played_.begin(), played_.end(), played.begin()) &&
                         played.size() - played_.size() <= 2;
    if (follows) {
      for (std::size_t i = played_.size(); i < played.size(); ++i) search_.play(played[i]);
    } else {
      search_.reset(next.position(), seed_++);
    }
    used_ = true;
    begun_ = false;
    start_ = next.start();
    played_ = played;
  }
  void begin(int simulations, bool noise, std::span<const float> gumbel,
             const std::vector<std::string>& only) override {
    if (search_.position().outcome()) throw std::invalid_argument("search: the game is over in this position");
    std::vector<Move> moves;
    for (const std::string& text : only) moves.push_back(search_.position().parse_move(text));
    check_within("search: simulations", simulations, {1, kMostSimulations});
    for (const float each : gumbel)
      if (!std::isfinite(each)) throw std::invalid_argument("search: gumbel must be finite numbers");
    begun_ = true;
    search_.begin(simulations, noise, gumbel, moves);
    done_ = false;
  }
  void set_budget(int simulations) override {
    check_within("search: set_budget", simulations, {0, kMostSimulations});
    search_.set_budget(simulations);
  }
  int collect(int rows, float* planes, std::vector<std::vector<std::int32_t>>& legal,
              std::vector<int>& tickets) override {
    if (!begun_) throw std::invalid_argument("collect: begin() comes first");
    if (rows + search_.waiting() > kMostWaiting)
      throw std::invalid_argument("collect: more than " + std::to_string(kMostWaiting) +
                                  " leaves would wait for their answers");
    legal.clear();
    tickets.clear();
    const Shape& shape = encoder_.shape();
    const auto stride = static_cast<std::size_t>(shape.planes() * shape.cells());
    while (static_cast<int>(tickets.size()) < rows) {
      const Ask result =
          search_.ask([&](const typename G::Position& leaf, const MoveList<G::kMaxMoves>& moves, int ticket) {
            encoder_.dense(leaf, 0, planes + tickets.size() * stride);
            std::vector<std::int32_t> indices;
            for (const Move move : moves) indices.push_back(leaf.policy_index(move));
            legal.push_back(std::move(indices));
            tickets.push_back(ticket);
          });
      if (result == Ask::kLeaf) continue;
      done_ = result == Ask::kDone;
      break;
    }
    return static_cast<int>(tickets.size());
  }
  void tell(int ticket, std::span<const float> logits, float value) override {
    const int wanted = search_.wanted(ticket);
    if (wanted < 0) throw std::invalid_argument("tell: no leaf waits under ticket " + std::to_string(ticket));
    if (logits.size() != static_cast<std::size_t>(wanted))
      throw std::invalid_argument("tell: " + std::to_string(wanted) + " logits are needed, one a legal move, got " +
                                  std::to_string(logits.size()));
    for (const float each : logits)
      if (!std::isfinite(each)) throw std::invalid_argument("tell: logits must be finite");
    check_within("tell: value", static_cast<double>(value), {-kMostValue, kMostValue});
    search_.tell(ticket, logits.data(), value);
  }
  bool done() const override { return done_; }
  void run_inside(int evaluator, double seconds, int threads, const std::function<bool()>& should_stop) override {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds > 0 ? seconds : 1e6);
    auto last_asked = Clock::now();
    const auto watch_clock = [&] {
      const auto now = Clock::now();
      bool enough = seconds > 0 && now >= end;
      if (!enough && now - last_asked >= std::chrono::milliseconds(10)) {
        enough = should_stop();
        last_asked = Clock::now();
      }
      if (enough) search_.set_budget(std::max(1, search_.simulations()));
    };
    if (threads > 1) {
      if (search_.settings().kind == SearchKind::kGumbel)
        throw std::invalid_argument("run_inside: a Gumbel search runs on one thread: it plans every simulation's turn");
      const std::uint64_t stream = rng_();
      const auto value = [&](typename G::Position& leaf, std::uint64_t number) {
        Rng rng(stream, number);
        return evaluator == kRollout ? rollout<G>(leaf, encoder_.shape(), rng) : 0.0F;
      };
      ParallelSearch<G, decltype(value)>(search_, threads, value).run(watch_clock);
    } else {
      run_alone(evaluator, watch_clock);
    }
    done_ = true;
  }
  int simulations() const override { return search_.simulations(); }
  SearchReport report(int longest_pv) const override {
    SearchReport out;
    if (search_.root_moves().empty()) return out;
    const auto& position = search_.position();
    out.best_move = position.move_text(search_.best_move());
    out.value = search_.root_value();
    out.network_value = search_.network_value();
    out.proof = name(search_.root_proof());
    out.simulations = search_.simulations();
    out.nodes = search_.tree().node_count();
    out.tree_bytes = search_.tree().bytes();
    out.depth = search_.mean_depth();
    out.max_depth = search_.max_depth();
    out.pv = texts(search_.principal_variation(longest_pv), longest_pv);
    std::vector<float> target;
    search_.policy_target(target);
    std::size_t i = 0;
    for (const RootMove& m : search_.root_moves()) {
      out.moves.push_back({position.move_text(m.move), search_.visits(m), m.prior, search_.q(m), target[i++],
                           name(search_.proof(m)), search_.proof_plies(m)});
    }
    return out;
  }
  std::vector<std::string> line(std::string_view move, int longest) const override {
    if (search_.root_moves().empty()) throw std::invalid_argument("line: nothing was searched here yet");
    const Move wanted = search_.position().parse_move(move);
    for (const RootMove& m : search_.root_moves())
      if (m.move == wanted) return texts(search_.line_after(m, longest), longest);
    return {std::string(move)};
  }
  std::string sample_move(double temperature) override {
    check_within("sample_move: temperature", temperature, {0, 1e6});
    return search_.position().move_text(search_.sample_move(temperature));
  }

 private:
  template <class WatchClock>
  void run_alone(int evaluator, WatchClock&& watch_clock) {
    const std::vector<float> logits(static_cast<std::size_t>(G::kMaxMoves), 0.0F);  // equal ones, whatever the leaf
    for (;;) {
      int ticket = 0;
      float value = 0.0F;
      const Ask result = search_.ask([&](typename G::Position& leaf, const MoveList<G::kMaxMoves>& /*moves*/, int t) {
        ticket = t;
        if (evaluator == kRollout) value = rollout<G>(leaf, encoder_.shape(), rng_);
      });
      if (result != Ask::kLeaf) break;
      search_.tell(ticket, logits.data(), value);
      if (evaluator == kRollout || (search_.simulations() & 15) == 0) watch_clock();
    }
  }

  // The moves of a line in text; a win on the spot at its end, which needs no node in the tree, is added.
  [[nodiscard]] std::vector<std::string> texts(const std::vector<Move>& moves, int longest) const {
    std::vector<std::string> out;
    auto position = search_.position();
    for (const Move move : moves) {
      out.push_back(position.move_text(move));
      position.play(move);
    }
    if constexpr (HasWinningMove<G>) {
      if (static_cast<int>(out.size()) < longest && !position.outcome()) {
        MoveList<G::kMaxMoves> legal;
        position.legal_moves(legal);
        const Move win = position.winning_move(legal);
        if (win != kNoMove) out.push_back(position.move_text(win));
      }
    }
    return out;
  }
  static std::string name(Proof proof) {
    return proof == Proof::kWin ? "win" : proof == Proof::kLoss ? "loss" : proof == Proof::kDraw ? "draw" : "";
  }

  Encoder<G> encoder_;
  Search<G> search_;
  Rng rng_;
  std::uint64_t seed_;
  // Simulations under way through a move are counted in 16 bits.
  static constexpr int kMostWaiting = 32768;
  bool used_ = false;
  bool begun_ = false;  // in the position that is set
  bool done_ = true;
  std::string start_;
  std::vector<Move> played_;
};

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
  void finish(Batch* batch, const float* logits, int width, bool gathered, const float* wdl) override {
    pool_.finish(batch, logits, width, gathered, wdl);
  }
  std::vector<GameRecord> take_finished() override { return pool_.take_finished(); }
  bool done() override { return pool_.done(); }
  bool all_parked() override { return pool_.all_parked(); }
  PoolCounts counts() override { return pool_.counts(); }
  void set_version(std::uint64_t version) override { pool_.set_version(version); }
  void set_simulations(int simulations) override { pool_.set_simulations(simulations); }
  void set_resignation(double value) override { pool_.set_resignation(value); }

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
  [[nodiscard]] int listed() const override { return sampler_.listed(sampler_.shape()); }
  void sample(int n, std::uint64_t seed, const SampleSettings& settings, const TrainingBatch& out) override {
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
  std::vector<std::string> record_moves(const GameRecord& record) const override {
    std::vector<std::string> out;
    replay(record, [&](const typename G::Position& position, const PlyRecord& ply) {
      out.push_back(position.move_text(ply.move));
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
    return std::make_unique<PoolOf<G>>(options_, settings, players, pairings);
  }
  std::unique_ptr<SamplerFace> sampler() const override { return std::make_unique<SamplerOf<G>>(options_); }

  std::pair<std::uint64_t, double> random_plies(double seconds, std::uint64_t seed) const override {
    Rng rng(seed);
    const int longest = 8 * G::shape(options_).cells();
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
    const int longest = 8 * G::shape(options_).cells();
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
