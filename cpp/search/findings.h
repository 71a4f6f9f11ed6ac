// What a search found: the move to play, the policy to teach, the expected line. All for the side to move at the root.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "cpp/search/fast_math.h"
#include "cpp/search/simulations.h"

namespace az {

class Findings : public Simulations {
 public:
  using Simulations::Simulations;

  [[nodiscard]] int simulations() const { return done_; }
  [[nodiscard]] float network_value() const { return tree_.empty() ? 0.0F : tree_.node(0).value; }
  [[nodiscard]] Proof root_proof() const { return root_proof_; }

  // How deep this search's simulations went, in plies: on average, and at most.
  [[nodiscard]] float mean_depth() const {
    return done_ == 0 ? 0.0F : static_cast<float>(depth_sum_) / static_cast<float>(done_);
  }
  [[nodiscard]] int max_depth() const { return depth_max_; }

  // The position's value by this search: exact where proven, else the mean over all simulations and the root's own.
  [[nodiscard]] float root_value() const { return root_proof_ != Proof::kNone ? exact_value(root_proof_) : root_q_; }

  // The move to play at full strength. A proven win is played, the shortest first; a proven loss only when all lose,
  // the longest first.
  [[nodiscard]] Move best_move() const {
    if (root_moves_.empty()) throw std::invalid_argument("search: nothing was searched here yet");
    return root_moves_[static_cast<std::size_t>(best_index())].move;
  }

  // A move drawn in proportion to visits^(1 / temperature), proven moves as in best_move(). For PUCT.
  [[nodiscard]] Move sample_move(double temperature) {
    if (root_moves_.empty() || root_proof_ == Proof::kWin || !(temperature > 0.0)) return best_move();
    std::vector<double> weights;
    double sum = 0.0;
    const double most = static_cast<double>(max_root_visits());
    for (const RootMove& m : root_moves_) {
      const bool barred = proof(m) == Proof::kLoss && root_proof_ != Proof::kLoss;
      weights.push_back(barred || most == 0.0 ? 0.0 : std::pow(visits(m) / most, 1.0 / temperature));
      sum += weights.back();
    }
    if (sum <= 0.0) return best_move();
    double x = rng_.uniform() * sum;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] <= 0.0) continue;
      chosen = i;
      if ((x -= weights[i]) < 0.0) break;
    }
    return root_moves_[chosen].move;
  }

  // What the search would teach the policy: one probability a legal move, in legal order. Proven wins share it evenly.
  // Else PUCT: visit shares; Gumbel: softmax(logits + sigma(completed Q)) (Danihelka et al. 2022, eq. 11).
  void policy_target(std::vector<float>& target) const {
    const std::size_t count = root_moves_.size();
    target.assign(count, 0.0F);
    if (root_proof_ == Proof::kWin) {
      int wins = 0;
      for (const RootMove& m : root_moves_) wins += proof(m) == Proof::kWin;
      for (std::size_t i = 0; i < count; ++i)
        target[i] = proof(root_moves_[i]) == Proof::kWin ? 1.0F / static_cast<float>(wins) : 0.0F;
      return;
    }
    if (settings_.kind == SearchKind::kPuct) {
      int sum = 0;
      for (const RootMove& m : root_moves_) sum += visits(m);
      for (std::size_t i = 0; i < count; ++i)
        target[i] =
            sum > 0 ? static_cast<float>(visits(root_moves_[i])) / static_cast<float>(sum) : root_moves_[i].prior;
      return;
    }
    const QTransform transform = root_transform();
    for (std::size_t i = 0; i < count; ++i)
      target[i] = root_moves_[i].logit + transform.sigma(completed_q(root_moves_[i], transform));
    softmax(target.data(), target.data(), static_cast<int>(count));
  }

  // The expected line: the best move, then the most visited ones.
  [[nodiscard]] std::vector<Move> principal_variation(int longest) const {
    if (tree_.empty() || root_moves_.empty() || tree_.node(0).pending) return {};
    return line_after(root_moves_[static_cast<std::size_t>(best_index())], longest);
  }
  // The expected line after a root move, itself first.
  [[nodiscard]] std::vector<Move> line_after(const RootMove& first, int longest) const {
    std::vector<Move> line{first.move};
    if (first.slot < 0) return line;
    std::uint32_t at = root_child(first).node;
    while (at != kNoNode && static_cast<int>(line.size()) < longest) {
      const Node& node = tree_.node(at);
      const Child* const kids = tree_.children(node);
      int best = -1;
      for (int i = 0; i < node.child_count; ++i) {
        const bool better =
            best < 0 || (kids[i].proof == Proof::kWin) > (kids[best].proof == Proof::kWin) ||
            ((kids[i].proof == Proof::kWin) == (kids[best].proof == Proof::kWin) && kids[i].visits > kids[best].visits);
        if (better) best = i;
      }
      if (best < 0 || kids[best].visits == 0) break;
      line.push_back(tree_.edges(node)[best].move());
      at = kids[best].node;
    }
    return line;
  }

 private:
  [[nodiscard]] int max_root_visits() const {
    int most = 0;
    for (const RootMove& m : root_moves_) most = std::max(most, visits(m));
    return most;
  }

  [[nodiscard]] int best_index() const {
    if (root_proof_ == Proof::kWin) {
      return best_by([&](const RootMove& m) {
        return proof(m) == Proof::kWin ? -static_cast<double>(root_child(m).proof_plies) : -1e9;
      });
    }
    if (root_proof_ == Proof::kLoss) {
      return best_by([&](const RootMove& m) { return static_cast<double>(root_child(m).proof_plies); });
    }
    const auto barred = [&](const RootMove& m) { return proof(m) == Proof::kLoss; };
    if (settings_.kind == SearchKind::kGumbel) {
      int most = -1;
      for (const RootMove& m : root_moves_)
        if (!barred(m)) most = std::max(most, visits(m));
      return best_scored([&](const RootMove& m) { return !barred(m) && visits(m) == most; });
    }
    return best_by(
        [&](const RootMove& m) { return barred(m) ? -1e9 : visits(m) + 0.25 * (q(m) + 1.0) + 0.25 * m.prior; });
  }
  // The root move with the greatest score, the first among equals.
  template <class Score>
  [[nodiscard]] int best_by(Score&& score) const {
    int best = 0;
    for (int i = 1; i < static_cast<int>(root_moves_.size()); ++i)
      if (score(root_moves_[static_cast<std::size_t>(i)]) > score(root_moves_[static_cast<std::size_t>(best)]))
        best = i;
    return best;
  }
};

}  // namespace az
