// The face of one game's searches, made from its templates.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cpp/bind/face.h"
#include "cpp/bind/position_of.h"
#include "cpp/search/parallel.h"
#include "cpp/search/search.h"
#include "cpp/selfplay/cache.h"
#include "cpp/selfplay/encoding.h"
#include "cpp/selfplay/rollout.h"

namespace az {

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
    known_ = {};
    search_.begin(simulations, noise, gumbel, moves);
    done_ = false;
  }
  void set_budget(int simulations) override {
    check_within("search: set_budget", simulations, {0, kMostSimulations});
    search_.tree().set_budget(simulations);
  }
  int collect(int rows, float* planes, std::vector<std::vector<std::int32_t>>& legal,
              std::vector<int>& tickets) override {
    check_may_collect(rows);
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
  void collect_batch(int rows, void* out, bool halves, std::vector<int>& tickets) override {
    check_may_collect(rows);
    tickets.clear();
    const Shape& shape = encoder_.shape();
    const auto stride = static_cast<std::size_t>(shape.planes() * shape.cells());
    int found = 0;
    while (static_cast<int>(tickets.size()) < rows && found < kMostKnownAtOnce) {
      int known = -1;
      float value = 0.0F;
      const Ask result =
          search_.ask([&](const typename G::Position& leaf, const MoveList<G::kMaxMoves>& moves, int ticket) {
            const std::optional<Key> board = cache_ ? encoder_.hash_of_board(leaf, moves) : std::nullopt;
            if (!board) encoder_.encode(leaf);
            const Key key = board ? *board : cache_ ? encoder_.hash(moves) : Key{0};
            if (cache_ && cache_->find(key, logits_, value, &known_.beside)) {
              known = ticket;
              return;
            }
            if (board) encoder_.encode(leaf);
            if (asked_.size() <= static_cast<std::size_t>(ticket)) asked_.resize(static_cast<std::size_t>(ticket) + 1);
            Asked& asked = asked_[static_cast<std::size_t>(ticket)];
            asked.key = key;
            asked.legal.clear();
            for (const Move move : moves) asked.legal.push_back(leaf.policy_index(move));
            if (halves) {
              encoder_.expand(0, static_cast<std::uint16_t*>(out) + tickets.size() * stride);
            } else {
              encoder_.expand(0, static_cast<float*>(out) + tickets.size() * stride);
            }
            tickets.push_back(ticket);
          });
      if (known >= 0) {
        known_.origins.push_back(search_.origin(known));
        search_.tell(known, logits_.data(), value);
        ++known_answers_;
        ++found;
      } else if (result != Ask::kLeaf) {
        done_ = result == Ask::kDone;
        return;
      }
    }
  }
  std::vector<LeafOrigin> tell_batch(std::span<const int> tickets, std::span<const float> logits,
                                     std::span<const float> values, std::span<const float> beside) override {
    const auto width = static_cast<std::size_t>(encoder_.shape().policy_size);
    if (logits.size() != tickets.size() * width || values.size() != tickets.size())
      throw std::invalid_argument("tell_batch: for each ticket " + std::to_string(width) +
                                  " logits and a value are needed");
    const std::size_t besides = cache_ ? cache_->beside() : 0;
    if (cache_ && beside.size() != tickets.size() * besides)
      throw std::invalid_argument("tell_batch: for each ticket " + std::to_string(besides) +
                                  " numbers beside logits and value are to be kept");
    std::vector<LeafOrigin> origins;
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      const int ticket = tickets[i];
      const int wanted = search_.wanted(ticket);
      if (wanted < 0 || static_cast<std::size_t>(ticket) >= asked_.size() ||
          asked_[static_cast<std::size_t>(ticket)].legal.size() != static_cast<std::size_t>(wanted))
        throw std::invalid_argument("tell_batch: no leaf waits under ticket " + std::to_string(ticket));
      const Asked& asked = asked_[static_cast<std::size_t>(ticket)];
      logits_.clear();
      for (const std::int32_t index : asked.legal)
        logits_.push_back(logits[i * width + static_cast<std::size_t>(index)]);
      for (const float each : logits_)
        if (!std::isfinite(each)) throw std::invalid_argument("tell_batch: logits must be finite");
      check_within("tell_batch: value", static_cast<double>(values[i]), {-kMostValue, kMostValue});
      if (cache_) cache_->put(asked.key, cache_->generation(), logits_, values[i], beside.data() + i * besides);
      origins.push_back(search_.origin(ticket));
      search_.tell(ticket, logits_.data(), values[i]);
    }
    return origins;
  }
  KnownLeaves take_known() override { return std::exchange(known_, {}); }
  void keep_answers(int megabytes, int beside) override {
    check_within("keep_answers: megabytes", megabytes, {0, 1 << 20});
    check_within("keep_answers: beside", beside, {0, 1 << 16});
    const int cells = encoder_.shape().cells();
    cache_ = megabytes == 0 ? nullptr
                            : std::make_shared<EvaluationCache>(static_cast<std::size_t>(megabytes) << 20, G::kMaxMoves,
                                                                std::min(G::kMaxMoves, std::max(40, cells)), beside);
  }
  void share_answers(SearchFace& other) override { cache_ = dynamic_cast<SearchOf&>(other).cache_; }
  std::uint64_t known_answers() const override { return known_answers_; }
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
      if (enough) search_.tree().set_budget(std::max(1, search_.tree().simulations()));
    };
    if (SingleSearch<G>) threads = 1;
    if (threads > 1) {
      if (search_.tree().settings().kind == SearchKind::kGumbel)
        throw std::invalid_argument("run_inside: Gumbel search is single-threaded; use kind=puct for threads > 1");
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
  int simulations() const override { return search_.tree().simulations(); }
  SearchReport report(int longest_pv) const override {
    SearchReport out;
    if (search_.tree().root_moves().empty()) return out;
    const auto& position = search_.position();
    out.best_move = position.move_text(az::best_move(search_.tree()));
    out.value = az::root_value(search_.tree());
    out.network_value = az::network_value(search_.tree());
    out.proof = name(search_.tree().root_proof());
    out.simulations = search_.tree().simulations();
    out.nodes = search_.tree().nodes().node_count();
    out.tree_bytes = search_.tree().nodes().bytes();
    out.depth = az::mean_depth(search_.tree());
    out.max_depth = search_.tree().max_depth();
    out.pv = texts(principal_variation(search_.tree(), longest_pv), longest_pv);
    std::vector<float> target;
    policy_target(search_.tree(), target);
    std::size_t i = 0;
    for (const RootMove& m : search_.tree().root_moves()) {
      out.moves.push_back({position.move_text(m.move), search_.tree().visits(m), m.prior, search_.tree().q(m),
                           target[i++], name(search_.tree().proof(m)), search_.tree().proof_plies(m)});
    }
    return out;
  }
  std::vector<std::string> line(std::string_view move, int longest) const override {
    if (search_.tree().root_moves().empty()) throw std::invalid_argument("line: nothing was searched here yet");
    const Move wanted = search_.position().parse_move(move);
    for (const RootMove& m : search_.tree().root_moves())
      if (m.move == wanted) return texts(line_after(search_.tree(), m, longest), longest);
    return {std::string(move)};
  }
  std::vector<int> line_visits(std::string_view move, int longest) const override {
    const std::size_t length = line(move, longest).size();
    std::vector<int> visits;
    const Move wanted = search_.position().parse_move(move);
    for (const RootMove& m : search_.tree().root_moves())
      if (m.move == wanted) line_after(search_.tree(), m, longest, &visits);
    visits.resize(length, 0);
    return visits;
  }
  std::string sample_move(double temperature) override {
    check_within("sample_move: temperature", temperature, {0, 1e6});
    return search_.position().move_text(az::sample_move(search_.tree(), temperature, search_.tree().rng()));
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
      if (evaluator == kRollout || (search_.tree().simulations() & 15) == 0) watch_clock();
    }
  }

  void check_may_collect(int rows) const {
    if (!begun_) throw std::invalid_argument("collect: begin() comes first");
    if (rows + search_.waiting() > kMostWaiting)
      throw std::invalid_argument("collect: more than " + std::to_string(kMostWaiting) +
                                  " leaves would wait for their answers");
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
  static constexpr int kMostKnownAtOnce = 1024;  // some milliseconds: whoever watches the time wants to look
  // What was asked under a ticket by collect_batch().
  struct Asked {
    Key key = 0;
    std::vector<std::int32_t> legal;  // policy indices
  };
  std::vector<Asked> asked_;  // by ticket
  std::shared_ptr<EvaluationCache> cache_;
  std::uint64_t known_answers_ = 0;
  KnownLeaves known_;  // since take_known()
  std::vector<float> logits_;
  bool used_ = false;
  bool begun_ = false;  // in the position that is set
  bool done_ = true;
  std::string start_;
  std::vector<Move> played_;
};

}  // namespace az
