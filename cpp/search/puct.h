// PUCT inside the tree (Silver et al. 2018): Q + exploration * P / (1 + N), with virtual losses and first-play urgency.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cpp/search/settings.h"
#include "cpp/search/tree.h"

namespace az {

[[nodiscard]] inline float exploration(const SearchSettings& settings, float parent_visits) {
  return (std::log((parent_visits + settings.c_base + 1.0F) / settings.c_base) + settings.c_init) *
         std::sqrt(parent_visits);
}

// exploration() of few visits, computed once: most nodes have few, and the logarithm is a tenth of a small game's
// search.
class Explorations {
 public:
  [[nodiscard]] float of(const SearchSettings& settings, std::uint32_t parent_visits) {
    if (parent_visits >= few_.size()) return exploration(settings, static_cast<float>(parent_visits));
    if (settings.c_base != c_base_ || settings.c_init != c_init_) fill(settings);
    return few_[parent_visits];
  }

 private:
  void fill(const SearchSettings& settings) {
    for (std::size_t n = 0; n < few_.size(); ++n) few_[n] = exploration(settings, static_cast<float>(n));
    c_base_ = settings.c_base;
    c_init_ = settings.c_init;
  }

  float c_base_ = 0.0F;  // what `few_` was filled for; a base is never 0
  float c_init_ = 0.0F;
  std::array<float, 256> few_;  // by the parent's visits
};

// Q of a child as the choice sees it: simulations in flight count as virtual losses.
[[nodiscard]] inline float pessimistic_q(const SearchSettings& settings, const Child& c) {
  if (c.in_flight == 0) return c.q;
  const float lost = settings.virtual_loss * static_cast<float>(c.in_flight);
  const auto n = static_cast<float>(c.visits);
  return (c.q * n - lost) / (n + lost > 0.0F ? n + lost : 1.0F);
}
[[nodiscard]] inline float first_play_q(const SearchSettings& settings, float parent_q, float tried_mass, bool reduce) {
  if (settings.fpu == Fpu::kValue) return settings.fpu_value;
  return reduce ? parent_q - settings.fpu_value * std::sqrt(tried_mass) : parent_q;
}

// PUCT at an inner node of mean value `q`; `c` is exploration() at its visits. Ties go to the lowest move.
inline int choose_puct(Tree& tree, const SearchSettings& settings, std::uint32_t index, float c, float q) {
  Node& node = tree.node(index);
  const Child* const kids = tree.children(node);
  const Edge* const edges = tree.edges(node);
  int best = -1;
  float best_score = -1e30F;
  float tried = 0.0F;
  for (int i = 0; i < node.child_count; ++i) {
    const Child& child = kids[i];
    const float p = edges[i].prior();
    tried += p;
    if (child.proof == Proof::kLoss) continue;  // a lost move is looked at no more
    const float n = static_cast<float>(child.visits) + static_cast<float>(child.in_flight);
    const float score = pessimistic_q(settings, child) + c * p / (1.0F + n);
    if (best < 0 || score > best_score || (score == best_score && edges[i].move() < edges[best].move())) {
      best_score = score;
      best = i;
    }
  }
  if (node.child_count < node.edge_count) {
    tree.best_untried_first(node);
    const Edge& edge = tree.edges(node)[node.child_count];
    const float score = first_play_q(settings, q, tried, true) + c * edge.prior();
    if (best < 0 || score > best_score || (score == best_score && edge.move() < edges[best].move()))
      return tree.add_child(node);
  }
  return best < 0 ? 0 : best;
}

}  // namespace az
