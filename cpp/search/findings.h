// What a search found: the move to play, the policy to teach, the expected line. All for the side to move at the root.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "cpp/search/fast_math.h"
#include "cpp/search/search_tree.h"

namespace az {

// The network's value of the root.
inline float network_value(const SearchTree& tree) { return tree.empty() ? 0.0F : tree.nodes().node(0).value; }

// How deep the simulations went, in plies, on average.
inline float mean_depth(const SearchTree& tree) {
  const int done = tree.simulations();
  return done == 0 ? 0.0F : static_cast<float>(tree.depth_sum()) / static_cast<float>(done);
}

namespace detail {

// The root move with the greatest score, the first among equals.
template <class Score>
int best_by(const SearchTree& tree, Score&& score) {
  int best = 0;
  for (int i = 1; i < static_cast<int>(tree.root_moves().size()); ++i)
    if (score(tree.root_moves()[static_cast<std::size_t>(i)]) >
        score(tree.root_moves()[static_cast<std::size_t>(best)]))
      best = i;
  return best;
}
inline int max_root_visits(const SearchTree& tree) {
  int most = 0;
  for (const RootMove& m : tree.root_moves()) most = std::max(most, tree.visits(m));
  return most;
}

// The lower confidence bound of a move's value (as KataGo chooses its moves: Wu 2019, and its docs on LCB). The
// variance of a leaf's value is at most 1 - q^2, since values are within [-1, 1]; the tree keeps no sum of squares.
inline double lower_bound(const SearchTree& tree, const RootMove& m) {
  const double q = tree.q(m);
  return q - tree.settings().lcb * std::sqrt(std::max(0.0, 1.0 - q * q) / std::max(1, tree.visits(m)));
}
inline constexpr double kLeastLcbShare = 0.1;  // of the most visits: a mean over fewer is chance

inline int best_index(const SearchTree& tree) {
  if (tree.root_proof() == Proof::kWin) {
    return best_by(tree, [&](const RootMove& m) {
      return tree.proof(m) == Proof::kWin ? -static_cast<double>(tree.root_child(m).proof_plies) : -1e9;
    });
  }
  if (tree.root_proof() == Proof::kLoss) {
    return best_by(tree, [&](const RootMove& m) { return static_cast<double>(tree.root_child(m).proof_plies); });
  }
  const auto barred = [&](const RootMove& m) { return tree.proof(m) == Proof::kLoss; };
  if (tree.settings().kind == SearchKind::kGumbel) {
    int most = -1;
    for (const RootMove& m : tree.root_moves())
      if (!barred(m)) most = std::max(most, tree.visits(m));
    return tree.best_scored([&](const RootMove& m) { return !barred(m) && tree.visits(m) == most; });
  }
  if (tree.settings().lcb > 0.0F) {
    int most = 0;
    for (const RootMove& m : tree.root_moves())
      if (!barred(m)) most = std::max(most, tree.visits(m));
    const double least = std::max(1.0, kLeastLcbShare * most);
    return best_by(tree, [&](const RootMove& m) {
      return barred(m) || tree.visits(m) < least ? -1e9 + m.prior : lower_bound(tree, m);
    });
  }
  return best_by(tree, [&](const RootMove& m) {
    return barred(m) ? -1e9 : tree.visits(m) + 0.25 * (tree.q(m) + 1.0) + 0.25 * m.prior;
  });
}

}  // namespace detail

// The position's value by this search: exact where proven, else the mean over all simulations and the root's own.
inline float root_value(const SearchTree& tree) {
  return tree.root_proof() != Proof::kNone ? exact_value(tree.root_proof()) : tree.root_q();
}

// The move to play at full strength. A proven win is played, the shortest first; a proven loss only when all lose,
// the longest first.
inline Move best_move(const SearchTree& tree) {
  if (tree.root_moves().empty()) throw std::invalid_argument("search: nothing was searched here yet");
  return tree.root_moves()[static_cast<std::size_t>(detail::best_index(tree))].move;
}

// A move drawn in proportion to visits^(1 / temperature), proven moves as in best_move(). For PUCT.
inline Move sample_move(const SearchTree& tree, double temperature, Rng& rng) {
  if (tree.root_moves().empty() || tree.root_proof() == Proof::kWin || !(temperature > 0.0)) return best_move(tree);
  std::vector<double> weights;
  double sum = 0.0;
  const double most = static_cast<double>(detail::max_root_visits(tree));
  for (const RootMove& m : tree.root_moves()) {
    const bool barred = tree.proof(m) == Proof::kLoss && tree.root_proof() != Proof::kLoss;
    weights.push_back(barred || most == 0.0 ? 0.0 : std::pow(tree.visits(m) / most, 1.0 / temperature));
    sum += weights.back();
  }
  if (sum <= 0.0) return best_move(tree);
  double x = rng.uniform() * sum;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0.0) continue;
    chosen = i;
    if ((x -= weights[i]) < 0.0) break;
  }
  return tree.root_moves()[chosen].move;
}

// What the search would teach the policy: one probability a legal move, in legal order. Proven wins share it evenly.
// Else PUCT: visit shares; Gumbel: softmax(logits + sigma(completed Q)) (Danihelka et al. 2022, eq. 11).
inline void policy_target(const SearchTree& tree, std::vector<float>& target) {
  const std::size_t count = tree.root_moves().size();
  target.assign(count, 0.0F);
  if (tree.root_proof() == Proof::kWin) {
    int wins = 0;
    for (const RootMove& m : tree.root_moves()) wins += tree.proof(m) == Proof::kWin;
    for (std::size_t i = 0; i < count; ++i)
      target[i] = tree.proof(tree.root_moves()[i]) == Proof::kWin ? 1.0F / static_cast<float>(wins) : 0.0F;
    return;
  }
  if (tree.settings().kind == SearchKind::kPuct) {
    int sum = 0;
    for (const RootMove& m : tree.root_moves()) sum += tree.visits(m);
    for (std::size_t i = 0; i < count; ++i)
      target[i] = sum > 0 ? static_cast<float>(tree.visits(tree.root_moves()[i])) / static_cast<float>(sum)
                          : tree.root_moves()[i].prior;
    return;
  }
  const QTransform transform = tree.root_transform();
  for (std::size_t i = 0; i < count; ++i)
    target[i] = tree.root_moves()[i].logit + transform.sigma(tree.completed_q(tree.root_moves()[i], transform));
  softmax(target.data(), target.data(), static_cast<int>(count));
}

// The expected line after a root move, itself first; `visits`: of each of its moves.
inline std::vector<Move> line_after(const SearchTree& tree, const RootMove& first, int longest,
                                    std::vector<int>* visits = nullptr) {
  std::vector<Move> line{first.move};
  if (visits != nullptr) visits->assign(1, tree.visits(first));
  if (first.slot < 0) return line;
  std::uint32_t at = tree.root_child(first).node;
  while (at != kNoNode && static_cast<int>(line.size()) < longest) {
    const Node& node = tree.nodes().node(at);
    const Child* const children = tree.nodes().children(node);
    int best = -1;
    for (int i = 0; i < node.child_count; ++i) {
      const bool better = best < 0 || (children[i].proof == Proof::kWin) > (children[best].proof == Proof::kWin) ||
                          ((children[i].proof == Proof::kWin) == (children[best].proof == Proof::kWin) &&
                           children[i].visits > children[best].visits);
      if (better) best = i;
    }
    if (best < 0 || children[best].visits == 0) break;
    line.push_back(tree.nodes().edges(node)[best].move());
    if (visits != nullptr) visits->push_back(static_cast<int>(children[best].visits));
    at = children[best].node;
  }
  return line;
}

// The expected line: the best move, then the most visited ones.
inline std::vector<Move> principal_variation(const SearchTree& tree, int longest) {
  if (tree.empty() || tree.root_moves().empty() || tree.nodes().node(0).pending) return {};
  return line_after(tree, tree.root_moves()[static_cast<std::size_t>(detail::best_index(tree))], longest);
}

}  // namespace az
