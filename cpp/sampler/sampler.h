// Finished games in, training batches out: positions are drawn from the records, replayed, encoded and given targets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cpp/sampler/targets.h"
#include "cpp/search/rng.h"
#include "cpp/selfplay/encoding.h"
#include "cpp/selfplay/record.h"

namespace az {

// A position whose search surprised the network so many times as much as the mean, or more, counts as that many.
inline constexpr double kMostSurprise = 4.0;
// Surprise is kept in 1/1024 nat: whole numbers sum up alike in whatever order games come and go.
inline constexpr float kSurpriseUnits = 1024.0F;

template <Game G>
class Sampler {
 public:
  using Position = typename G::Position;

  explicit Sampler(const typename G::Options& options) : options_(options), encoder_(options), start_(options) {}

  // Takes a serialised record; returns how many of its positions can be drawn. Throws std::invalid_argument where the
  // record is broken or a move in it is illegal: nothing wrong gets further than here.
  int add(std::string_view bytes) {
    const GameRecord record = deserialize(bytes);
    StoredGame game;
    game.value = record.value;
    game.score = record.score;
    game.cut = record.reason == "max_plies" && !record.has_score;
    game.resigned = record.reason == "resign";
    game.stands_for = record.stands_for;
    game.start = record.start;
    Position position = record.start.empty() ? start_ : Position::parse(options_, record.start);
    for (std::size_t ply = 0; ply < record.plies.size(); ++ply) {
      const PlyRecord& p = record.plies[ply];
      if (position.outcome())
        throw std::invalid_argument("game record: the game is over at ply " + std::to_string(ply));
      MoveList<G::kMaxMoves> legal;
      position.legal_moves(legal);
      if (std::find(legal.begin(), legal.end(), p.move) == legal.end())
        throw std::invalid_argument("game record: illegal move at ply " + std::to_string(ply));
      if (p.kind == PlyKind::kFull || p.kind == PlyKind::kFast) {
        game.drawable.push_back(static_cast<std::uint16_t>(ply));
        const float units = std::clamp(p.surprise * kSurpriseUnits, 0.0F, 65535.0F);
        game.surprise.push_back(static_cast<std::uint16_t>(units + 0.5F));
        game.surprises += game.surprise.back();
        game.targets += p.kind == PlyKind::kFull ? 1 : 0;
      }
      game.moves.push_back(p.move);
      game.root_values.push_back(p.root_value);
      game.policy_begin.push_back(static_cast<std::uint32_t>(game.policy.size()));
      if (p.policy.size() > static_cast<std::size_t>(legal.size()))
        throw std::invalid_argument("game record: more policy moves than legal ones at ply " + std::to_string(ply));
      for (const PolicyEntry& e : p.policy) {
        if (std::find(legal.begin(), legal.end(), e.move) == legal.end())
          throw std::invalid_argument("game record: illegal policy move at ply " + std::to_string(ply));
        game.policy.push_back(e);
      }
      position.play(p.move);
    }
    game.policy_begin.push_back(static_cast<std::uint32_t>(game.policy.size()));
    if constexpr (HasOwnership<G>) {
      game.ownership.resize(static_cast<std::size_t>(encoder_.shape().cells()));
      position.ownership(game.ownership);
    }
    const int count = static_cast<int>(game.drawable.size());
    if (count == 0) return 0;
    positions_ += static_cast<std::uint64_t>(count);
    surprises_ += game.surprises;
    targets_ += game.targets;
    ends_.push_back(dropped_ + positions_);
    games_.push_back(std::move(game));
    return count;
  }

  // Forgets the oldest games as long as `window` positions are left without them.
  void trim(std::uint64_t window) {
    while (games_.size() > 1 && positions_ - games_.front().drawable.size() >= window) {
      positions_ -= games_.front().drawable.size();
      dropped_ += games_.front().drawable.size();
      surprises_ -= games_.front().surprises;
      targets_ -= games_.front().targets;
      games_.pop_front();
      ends_.pop_front();
    }
  }

  [[nodiscard]] std::uint64_t positions() const { return positions_; }
  [[nodiscard]] std::uint64_t games() const { return games_.size(); }
  [[nodiscard]] const Shape& shape() const { return encoder_.shape(); }
  // The arrays that sample() fills, in their order.
  [[nodiscard]] std::vector<Column> columns(const SampleSettings& settings) const {
    return columns_of<G>(encoder_.shape(), settings);
  }

  // Draws n positions, each equally likely but for the share `surprise`, which goes to positions in proportion to their
  // surprise (KataGo's policy surprise weighting). The same seed on the same records gives the same batch.
  // `out`: the memory of columns(settings), n rows each.
  void sample(int n, std::uint64_t seed, const SampleSettings& settings, std::span<void* const> out) {
    if (positions_ == 0) throw std::invalid_argument("sampler: no positions to draw from");
    Rng rng(seed);
    rows_.clear();
    const int symmetries = settings.symmetry ? encoder_.shape().symmetries : 1;
    for (int row = 0; row < n; ++row) {
      const auto [game, ply] = draw(rng, settings.surprise);
      rows_.push_back({game, ply, symmetries > 1 ? rng.below(symmetries) : 0});
    }
    columns_ = columns(settings);
    counts_.clear();
    each_target<G>([&]<class T>(T) { counts_.push_back(T::columns(encoder_.shape(), settings).size()); });
    const int hands = std::max(1, std::min(settings.threads, n));
    while (static_cast<int>(hands_.size()) < hands) hands_.push_back({encoder_, start_});
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(hands));
    const auto work = [&](int hand) {
      const auto number = static_cast<std::size_t>(hand);
      try {
        for (int row = hand; row < n; row += hands) write_row(hands_[number], row, settings, out);
      } catch (...) {
        failures[number] = std::current_exception();
      }
    };
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(hands));
    for (int hand = 1; hand < hands; ++hand) {
      try {
        others.emplace_back(work, hand);
      } catch (const std::system_error&) {
        work(hand);  // no further thread is to be had here
      }
    }
    work(0);
    for (std::thread& other : others) other.join();
    for (const std::exception_ptr& failure : failures)
      if (failure) std::rethrow_exception(failure);
  }

 private:
  struct Row {
    const StoredGame* game;
    std::size_t ply;
    int symmetry;
  };
  // What a thread works with.
  struct Hand {
    Encoder<G> encoder;
    Position position;
  };

  // Replays the game of row number `index` up to its ply and writes what is learned from it.
  void write_row(Hand& hand, int index, const SampleSettings& settings, std::span<void* const> out) const {
    const auto row = static_cast<std::size_t>(index);
    const auto& [game, ply, symmetry] = rows_[row];
    Position& position = hand.position;
    position = game->start.empty() ? start_ : Position::parse(options_, game->start);
    for (std::size_t i = 0; i < ply; ++i) position.play(game->moves[i]);
    hand.encoder.encode(position);
    const Drawn<G> drawn{.game = *game,
                         .ply = ply,
                         .symmetry = symmetry,
                         .position = position,
                         .encoder = hand.encoder,
                         .settings = settings,
                         .sign = position.turn() == 0 ? 1 : -1};
    const std::span<const Column> columns(columns_);
    std::size_t next = 0;
    auto count = counts_.begin();
    each_target<G>([&]<class T>(T) {
      if (*count > 0) T::write(drawn, {columns.subspan(next, *count), out.subspan(next, *count), row});
      next += *count++;
    });
  }

  // A stored game and one of its plies.
  std::pair<const StoredGame*, std::size_t> draw(Rng& rng, float share) const {
    // Over the positions that have a policy target: the others surprise nobody, and keep the weight 1 - share.
    const double mean = static_cast<double>(surprises_) / static_cast<double>(std::max<std::uint64_t>(1, targets_));
    const bool weighted = share > 0.0F && surprises_ > 0;
    for (;;) {
      const auto pick = static_cast<std::uint64_t>(rng.uniform() * static_cast<double>(positions_)) + dropped_;
      const auto at = std::upper_bound(ends_.begin(), ends_.end(), std::min(pick, dropped_ + positions_ - 1));
      const StoredGame& game = games_[static_cast<std::size_t>(at - ends_.begin())];
      const std::uint64_t before = *at - game.drawable.size();
      const auto i = static_cast<std::size_t>(std::min(pick, *at - 1) - before);
      const std::size_t ply = game.drawable[i];
      if (!weighted) return {&game, ply};
      // Rejection: a position of weight w in [1 - share, 1 - share + kMostSurprise share] passes in proportion to it.
      const double relative = std::min(static_cast<double>(game.surprise[i]) / mean, kMostSurprise);
      const double weight = 1.0 - share + share * relative;
      if (rng.uniform() * (1.0 - share + share * kMostSurprise) < weight) return {&game, ply};
    }
  }

  typename G::Options options_;
  Encoder<G> encoder_;
  Position start_;
  std::vector<Hand> hands_;
  std::vector<Row> rows_;            // of the batch that is made
  std::vector<Column> columns_;      // likewise
  std::vector<std::size_t> counts_;  // how many of them each target has
  std::deque<StoredGame> games_;
  std::deque<std::uint64_t> ends_;  // running total of positions at each game's end, counted from the beginning of time
  std::uint64_t positions_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t surprises_ = 0;
  std::uint64_t targets_ = 0;
};

}  // namespace az
