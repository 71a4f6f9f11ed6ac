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

#include "cpp/sampler/training_batch.h"
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
    Stored game;
    game.value = record.value;
    game.score = record.score;
    game.cut = record.reason == "max_plies" && !record.has_score;
    game.resigned = record.reason == "resign";
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
  // Length of a policy's list in a training batch.
  [[nodiscard]] static int listed(const Shape& shape) { return std::min(G::kMaxMoves, shape.policy_size); }

  // Draws n positions, each equally likely but for the share `surprise`, which goes to positions in proportion to their
  // surprise (KataGo's policy surprise weighting). The same seed on the same records gives the same batch.
  void sample(int n, std::uint64_t seed, const SampleSettings& settings, const TrainingBatch& out) {
    if (positions_ == 0) throw std::invalid_argument("sampler: no positions to draw from");
    Rng rng(seed);
    rows_.clear();
    const int symmetries = settings.symmetry ? encoder_.shape().symmetries : 1;
    for (int row = 0; row < n; ++row) {
      const auto [game, ply] = draw(rng, settings.surprise);
      rows_.push_back({game, ply, symmetries > 1 ? rng.below(symmetries) : 0});
    }
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
  struct Stored {
    std::string start;
    std::vector<Move> moves;
    std::vector<float> root_values;
    std::vector<std::uint32_t> policy_begin;  // [plies + 1] into policy
    std::vector<PolicyEntry> policy;
    std::vector<std::uint16_t> drawable;  // plies that can be drawn
    std::vector<std::uint16_t> surprise;  // of each of them
    std::vector<std::int8_t> ownership;   // first player's view; empty where the game has none
    std::uint64_t surprises = 0;          // their sum
    std::uint32_t targets = 0;            // how many of them have a policy target
    int value = 0;
    float score = 0.0F;
    bool cut = false;  // ended by the limit of plies, and no score tells who stood better
    bool resigned = false;
  };

  struct Row {
    const Stored* game;
    std::size_t ply;
    int symmetry;
  };
  // What a thread works with.
  struct Hand {
    Encoder<G> encoder;
    Position position;
  };

  // Replays the game of row number `index` up to its ply and writes what is learned from it.
  void write_row(Hand& hand, int index, const SampleSettings& settings, const TrainingBatch& out) const {
    const auto row = static_cast<std::size_t>(index);
    const auto& [drawn, ply, symmetry] = rows_[row];
    const Stored& game = *drawn;
    const auto& shape = encoder_.shape();
    const auto cells = static_cast<std::size_t>(shape.cells());
    const auto most = static_cast<std::size_t>(listed(shape));

    Position& position = hand.position;
    position = game.start.empty() ? start_ : Position::parse(options_, game.start);
    for (std::size_t i = 0; i < ply; ++i) position.play(game.moves[i]);
    hand.encoder.encode(position);
    if (out.planes != nullptr)
      hand.encoder.expand(symmetry, out.planes + row * static_cast<std::size_t>(shape.planes()) * cells);
    else
      hand.encoder.pack(symmetry, out.bits + row * static_cast<std::size_t>(shape.bit_planes * shape.words()),
                        out.scalars + row * static_cast<std::size_t>(shape.scalar_planes));

    out.policy_weight[row] = write_policy(position, game, ply, symmetry, {out.policy_index + row * most, most},
                                          {out.policy + row * most, most});
    if (out.reply != nullptr) {
      const bool more = ply + 1 < game.moves.size();
      out.reply_weight[row] = write_policy(position, game, more ? ply + 1 : ply, symmetry,
                                           {out.reply_index + row * most, most}, {out.reply + row * most, most}, more);
    }

    const int sign = position.turn() == 0 ? 1 : -1;
    // A game that was cut off has no result: what the search thought of the position stands for it.
    const float blend = game.cut ? 1.0F : settings.value_blend;
    write_wdl(sign * game.value, game.root_values[ply], blend, out.wdl + row * 3);
    if (out.score != nullptr) out.score[row] = static_cast<float>(sign) * game.score;
    if (out.ended != nullptr) out.ended[row] = game.cut || game.resigned ? 0.0F : 1.0F;
    if (out.plies_left != nullptr) out.plies_left[row] = static_cast<float>(game.moves.size() - ply);
    if (out.ownership != nullptr) {
      float* const ownership = out.ownership + row * cells;
      for (int c = 0; c < shape.cells(); ++c)
        ownership[encoder_.map_cell(symmetry, c)] =
            game.ownership.empty() ? 0.0F : static_cast<float>(sign * game.ownership[static_cast<std::size_t>(c)]);
    }
  }

  // A stored game and one of its plies.
  std::pair<const Stored*, std::size_t> draw(Rng& rng, float share) const {
    // Over the positions that have a policy target: the others surprise nobody, and keep the weight 1 - share.
    const double mean = static_cast<double>(surprises_) / static_cast<double>(std::max<std::uint64_t>(1, targets_));
    const bool weighted = share > 0.0F && surprises_ > 0;
    for (;;) {
      const auto pick = static_cast<std::uint64_t>(rng.uniform() * static_cast<double>(positions_)) + dropped_;
      const auto at = std::upper_bound(ends_.begin(), ends_.end(), std::min(pick, dropped_ + positions_ - 1));
      const Stored& game = games_[static_cast<std::size_t>(at - ends_.begin())];
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

  // Lists the policy searched at `ply` by the indices that its moves have in `position`; returns 1, or 0 where there is
  // none.
  float write_policy(const Position& position, const Stored& game, std::size_t ply, int symmetry,
                     std::span<std::int32_t> indices, std::span<float> shares, bool wanted = true) const {
    std::ranges::fill(indices, 0);
    std::ranges::fill(shares, 0.0F);
    const std::span<const PolicyEntry> all(game.policy);
    const auto searched =
        all.subspan(game.policy_begin[ply], wanted ? game.policy_begin[ply + 1] - game.policy_begin[ply] : 0);
    float sum = 0.0F;
    for (const PolicyEntry& e : searched) sum += e.weight;
    if (sum == 0.0F)
      return 0.0F;  // a list of moves without weight, which a record of somebody else's may hold, says nothing
    for (std::size_t i = 0; i < searched.size(); ++i) {
      indices[i] = encoder_.map_policy(symmetry, position.policy_index(searched[i].move));
      shares[i] = static_cast<float>(searched[i].weight) / sum;
    }
    return 1.0F;
  }

  // The result z of the game and the root value q, both for the side to move, as win / draw / loss. The mean of q is
  // kept; what it says of draws is not known, so it takes the draw share that fits the game's own result.
  static void write_wdl(int z, float q, float blend, float* wdl) {
    const float searched[3] = {z == 0 ? std::max(q, 0.0F) : 0.5F + 0.5F * q, z == 0 ? 1.0F - std::abs(q) : 0.0F,
                               z == 0 ? std::max(-q, 0.0F) : 0.5F - 0.5F * q};
    for (int i = 0; i < 3; ++i) wdl[i] = blend * searched[i] + (i == 1 - z ? 1.0F - blend : 0.0F);
  }

  typename G::Options options_;
  Encoder<G> encoder_;
  Position start_;
  std::vector<Hand> hands_;
  std::vector<Row> rows_;  // of the batch that is made
  std::deque<Stored> games_;
  std::deque<std::uint64_t> ends_;  // running total of positions at each game's end, counted from the beginning of time
  std::uint64_t positions_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t surprises_ = 0;
  std::uint64_t targets_ = 0;
};

}  // namespace az
