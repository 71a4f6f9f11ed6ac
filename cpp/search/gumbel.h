// Gumbel inside the tree (Danihelka et al. 2022): how Q values become logits, and the choice at an inner node.
#pragma once

#include <algorithm>
#include <vector>

#include "cpp/search/fast_math.h"
#include "cpp/search/puct.h"
#include "cpp/search/settings.h"
#include "cpp/search/tree.h"

namespace az {

// How a node's Q values become logits: sigma(q) of the paper, and the value that stands in for untried moves.
struct QTransform {
  float mixed;  // v_mix: the Q of an untried move
  float scale;  // sigma(q) = scale * (q - origin)
  float origin;
  [[nodiscard]] float sigma(float q) const { return scale * (q - origin); }
};

// v_mix and the scale of sigma from a node's statistics (Danihelka et al. 2022, eq. 8 and appendix D).
[[nodiscard]] inline QTransform q_transform(const SearchSettings& settings, float value, float visits, float tried_mass,
                                            float weighted_q, float max_visits, float low, float high, bool all_tried) {
  QTransform t{};
  t.mixed = tried_mass > 0.0F ? (value + visits * weighted_q / tried_mass) / (1.0F + visits) : value;
  const float scale = (settings.c_visit + max_visits) * settings.c_scale;
  if (settings.rescale_q) {
    if (!all_tried) {
      low = std::min(low, t.mixed);
      high = std::max(high, t.mixed);
    }
    t.origin = low;
    t.scale = scale / std::max(high - low, 1e-8F);
  } else {
    t.origin = -1.0F;
    t.scale = scale * 0.5F;
  }
  return t;
}

// Gumbel at an inner node: the move whose visits lag most behind the improved policy (Danihelka et al. 2022, eq. 14).
inline int choose_gumbel(Tree& tree, const SearchSettings& settings, std::vector<float>& scratch, std::uint32_t index) {
  Node& node = tree.node(index);
  const Child* const kids = tree.children(node);
  const Edge* const edges = tree.edges(node);
  const int count = node.child_count;
  float visits = 0.0F;
  float most = 0.0F;
  float counted = 0.0F;  // visits and simulations in flight
  float mass = 0.0F;
  float weighted = 0.0F;
  float low = 1e30F;
  float high = -1e30F;
  for (int i = 0; i < count; ++i) {
    const auto n = static_cast<float>(kids[i].visits);
    const float p = edges[i].prior();
    counted += n + static_cast<float>(kids[i].in_flight);
    if (kids[i].visits + kids[i].in_flight == 0U) continue;
    const float child_q = pessimistic_q(settings, kids[i]);
    visits += n;
    most = std::max(most, n);
    mass += p;
    weighted += p * child_q;
    low = std::min(low, child_q);
    high = std::max(high, child_q);
  }
  const bool all_tried = count == node.edge_count;
  const QTransform t = q_transform(settings, node.value, visits, mass, weighted, most, low, high, all_tried);
  // Weights relative to that of the untried moves' value, which keeps the exponents small.
  const float base = t.sigma(t.mixed);
  scratch.resize(static_cast<std::size_t>(count));
  float top = all_tried ? -1e30F : 0.0F;  // of all that is summed, so that the sum is never 0
  for (int i = 0; i < count; ++i) top = std::max(top, t.sigma(pessimistic_q(settings, kids[i])) - base);
  float sum = all_tried ? 0.0F : std::max(0.0F, 1.0F - mass) * fast_exp(-top);
  for (int i = 0; i < count; ++i) {
    const float w = edges[i].prior() * fast_exp(t.sigma(pessimistic_q(settings, kids[i])) - base - top);
    scratch[static_cast<std::size_t>(i)] = w;
    sum += w;
  }
  const float norm = 1.0F / sum;
  const float per_visit = 1.0F / (1.0F + counted);
  int best = -1;
  float best_score = -1e30F;
  for (int i = 0; i < count; ++i) {
    const float n = static_cast<float>(kids[i].visits) + static_cast<float>(kids[i].in_flight);
    const float score = scratch[static_cast<std::size_t>(i)] * norm - n * per_visit;
    if (best < 0 || score > best_score || (score == best_score && edges[i].move() < edges[best].move())) {
      best_score = score;
      best = i;
    }
  }
  if (!all_tried) {
    tree.best_untried_first(node);
    const Edge& edge = tree.edges(node)[count];
    const float score = edge.prior() * fast_exp(-top) * norm;
    if (best < 0 || score > best_score || (score == best_score && edge.move() < edges[best].move()))
      return tree.add_child(node);
  }
  return best;
}

}  // namespace az
