// PUCT at the root: priors in full precision, with noise where there is some, and a choice that keeps up with the
// leaves.
//
// The root is chosen at in every simulation and has hundreds of moves on a large board. So what the choice asks of the
// tried moves stands in plain arrays by slot, which one vectorised pass reads, and the untried moves stand in order.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpp/search/puct.h"
#include "cpp/search/settings.h"
#include "cpp/search/tree.h"

namespace az {

class PuctRoot {
 public:
  // Starts over with these priors, one a legal move in legal order; no move is tried.
  void start(std::vector<float> priors) {
    priors_ = std::move(priors);
    order_.resize(priors_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    std::sort(order_.begin(), order_.end(), [this](std::uint32_t a, std::uint32_t b) {
      return priors_[a] > priors_[b] || (priors_[a] == priors_[b] && a < b);
    });
    is_tried_.assign(priors_.size(), 0);
    next_ = 0;
    tried_ = 0;
    q_.resize(priors_.size());
    prior_.resize(priors_.size());
    divisor_.resize(priors_.size());
    move_.resize(priors_.size());
  }

  // Move `index` got the next slot.
  void add(std::size_t index) {
    prior_[tried_] = priors_[index];
    move_[tried_] = static_cast<std::uint32_t>(index);
    ++tried_;
    is_tried_[index] = 1;
    while (next_ < order_.size() && is_tried_[order_[next_]] != 0) ++next_;
  }
  // The statistics of a slot changed.
  void update(std::size_t slot, const SearchSettings& settings, const Child& child) {
    q_[slot] = child.proof == Proof::kLoss ? kBarred : pessimistic_q(settings, child);
    divisor_[slot] = 1.0F + (static_cast<float>(child.visits) + static_cast<float>(child.in_flight));
  }

  // The move to try next, by its place in legal order; ties go to the first. `c` is exploration(), `q` the root's mean.
  [[nodiscard]] std::size_t choose(const SearchSettings& settings, float c, float q, bool reduce) {
    std::int64_t best = best_tried(c);
    if (next_ < order_.size()) {
      float mass = 0.0F;
      for (std::size_t i = 0; i < priors_.size(); ++i) mass += is_tried_[i] != 0 ? priors_[i] : 0.0F;
      const float fresh_q = first_play_q(settings, q, mass, reduce);
      // Untried moves come in the order of their scores, but different priors may round to one score.
      for (std::size_t i = next_; i < order_.size(); ++i) {
        if (is_tried_[order_[i]] != 0) continue;
        const std::int64_t each = rank(fresh_q + c * priors_[order_[i]], order_[i]);
        if (each >> 32 < best >> 32) break;
        best = std::max(best, each);
      }
    }
    return ~static_cast<std::uint32_t>(best & 0xffffffff);
  }

 private:
  static constexpr float kBarred = -1e30F;  // below every score

  // Scores as numbers to compare at once with the move's place, which a loop can do in vectors: the greater score is
  // the greater rank and, among equals, the earlier move. The bits of negative floats fall as the numbers rise.
  [[nodiscard]] static std::int64_t rank(float score, std::uint32_t move) {
    const auto bits = std::bit_cast<std::int32_t>(score + 0.0F);  // -0 counts as 0
    const std::int32_t rising = bits ^ ((bits >> 31) & 0x7fffffff);
    return static_cast<std::int64_t>(rising) * (std::int64_t{1} << 32) + static_cast<std::int64_t>(~move);
  }
  // The best rank among the tried moves.
  [[nodiscard]] std::int64_t best_tried(float c) const {
    std::int64_t best = rank(kBarred, 0);
    for (std::size_t i = 0; i < tried_; ++i) best = std::max(best, rank(q_[i] + c * prior_[i] / divisor_[i], move_[i]));
    return best;
  }

  std::vector<float> priors_;           // by move
  std::vector<std::uint8_t> is_tried_;  // by move
  std::vector<std::uint32_t> order_;    // moves, the greatest prior first, the first move among equals
  std::size_t next_ = 0;                // order_ before here is tried
  std::size_t tried_ = 0;
  // By slot:
  std::vector<float> q_;  // as the choice sees it
  std::vector<float> prior_;
  std::vector<float> divisor_;  // 1 + simulations, those in flight included
  std::vector<std::uint32_t> move_;
};

}  // namespace az
