// The tree and what a simulation does to it: it chooses its way down, and what it found at the end is added on the way
// back up. Knows moves but no positions, so it is the same code for every game.
//
// PUCT and Gumbel are two ways to choose at the root and inside, over one tree. All values are for the side to move at
// the node that holds them; Child::q is for the side that chose the child.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "cpp/search/fast_math.h"
#include "cpp/search/gumbel.h"
#include "cpp/search/puct.h"
#include "cpp/search/puct_root.h"
#include "cpp/search/rng.h"
#include "cpp/search/schedule.h"
#include "cpp/search/settings.h"
#include "cpp/search/tree.h"

namespace az {

// How far a simulation's way down the tree has come.
enum class DescentStatus {
  kInside,     // at a node whose next move is to be chosen
  kNew,        // behind a move whose position was never looked at
  kProven,     // behind a move that is proven
  kCollision,  // where another simulation waits for its evaluation: nothing to do here
};

// A simulation's way down the tree.
struct Descent {
  struct Step {
    std::uint32_t node;
    std::uint32_t slot;
  };
  std::vector<Step> steps;
  Move move = kNoMove;       // the last move
  std::uint32_t node = 0;    // where the way has come to, unless it ended
  std::uint32_t visits = 0;  // of that node, when it was reached
  float q = 0.0F;            // the mean value of the last move, for the side that chose it
  std::uint8_t side = 0;     // who chose the last move
};

// A legal move at the root, in legal order, in full precision.
struct RootMove {
  Move move = kNoMove;
  float logit = 0.0F;   // the evaluator's, less the greatest
  float prior = 0.0F;   // softmax of the logits
  float noised = 0.0F;  // the prior that PUCT uses: with Dirichlet noise where begin() asked for it
  float gumbel = 0.0F;  // Gumbel noise, times gumbel_scale
  int slot = -1;        // its child in the root node; -1: not tried
};

class SearchTree {
 public:
  SearchTree(const SearchSettings& settings, std::uint64_t seed) : settings_(settings), rng_(seed) {
    settings_.check();
  }

  [[nodiscard]] const SearchSettings& settings() const { return settings_; }
  [[nodiscard]] SearchSettings& settings() { return settings_; }
  [[nodiscard]] Rng& rng() { return rng_; }
  [[nodiscard]] const Tree& nodes() const { return tree_; }
  [[nodiscard]] bool empty() const { return tree_.empty(); }
  // Whether the root waits for its evaluation.
  [[nodiscard]] bool root_is_pending() const { return tree_.node(0).pending; }
  void reseed(std::uint64_t seed) { rng_ = Rng(seed); }

  // --- a search ---

  // Starts a search of `simulations` new ones. What is kept of the tree waits for start_at_root().
  void begin(int simulations, bool noise, std::span<const float> gumbel) {
    budget_ = simulations;
    done_ = 0;
    in_flight_ = 0;
    depth_sum_ = 0;
    depth_max_ = 0;
    noise_ = noise;
    given_gumbel_.assign(gumbel.begin(), gumbel.end());
    schedule_.clear();
    if (settings_.kind == SearchKind::kGumbel) forget();
    root_moves_.clear();
  }

  // The root moves go with their tree: their slots are places in it.
  void forget() {
    tree_.clear();
    root_moves_.clear();
    root_visits_ = 0;
    root_q_ = 0.0F;
    root_proof_ = Proof::kNone;
  }

  // The root is the position behind a move from now on; its part of the tree is kept where the settings have it so.
  void play(Move move) {
    const bool keep = settings_.reuse_tree && settings_.kind == SearchKind::kPuct && !tree_.empty();
    std::uint32_t next = kNoNode;
    if (keep) {
      const Node& root = tree_.node(0);
      for (int i = 0; i < root.child_count; ++i) {
        if (tree_.edges(root)[i].move() != move) continue;
        const Child& child = tree_.children(root)[i];
        next = child.node;
        if (next == kNoNode) continue;
        const bool turns = tree_.node(next).side != root.side;
        root_visits_ = child.visits;
        root_q_ = turns ? -child.q : child.q;
        root_proof_ = turns ? opposite(child.proof) : child.proof;
      }
    }
    if (next != kNoNode) {
      spare_.copy_subtree(tree_, next);
      std::swap(tree_, spare_);
    } else {
      forget();
    }
    root_moves_.clear();
  }

  // The first node, with these root moves of `side`; it waits for its evaluation.
  template <class Moves>
  void add_root(const Moves& moves, int side) {
    set_root_moves(moves);
    tree_.add_node(moves, side);
  }
  // The root moves of a tree that was kept: its root is evaluated already.
  template <class Moves>
  void take_up_root(const Moves& moves) {
    set_root_moves(moves);
    const Node& root = tree_.node(0);
    for (int i = 0; i < root.edge_count; ++i) {
      RootMove& each = root_move(tree_.edges(root)[i].move());
      each.prior = tree_.edges(root)[i].prior();
      each.logit = std::log(each.prior);
      if (i < root.child_count) each.slot = i;
    }
  }
  // A new node behind the last move of a simulation; it waits for its evaluation.
  template <class Moves>
  std::uint32_t add_leaf(const Descent& descent, const Moves& moves, int side) {
    return last_child(descent).node = tree_.add_node(moves, side);
  }
  // The evaluation of a node that waits for it: a logit for each of its moves, in their order, and the value for the
  // side to move. The simulation that came to the node is finished; the root has none.
  void evaluate(std::uint32_t at, const Descent& descent, const float* logits, float value) {
    Node& node = tree_.node(at);
    Edge* const edges = tree_.edges(node);
    const int count = node.edge_count;
    if (scratch_.size() < node.edge_count) scratch_.resize(node.edge_count);
    float* const priors = scratch_.data();
    const float sharpness = 1.0F / settings_.policy_temperature;
    const float top = softmax(logits, priors, count, sharpness);
    for (int i = 0; i < count; ++i) edges[i].set_prior(priors[i]);
    node.value = value;
    node.pending = false;
    if (at != 0) {
      finish(descent, node.side, value, Proof::kNone);
      return;
    }
    for (int i = 0; i < count; ++i) {
      RootMove& each = root_moves_[static_cast<std::size_t>(i)];
      each.logit = (logits[i] - top) * sharpness;
      each.prior = priors[i];
    }
    root_visits_ = 1;
    root_q_ = value;
    root_proof_ = Proof::kNone;
  }

  // Shortens or lengthens the running search (time management; `stop`).
  void set_budget(int simulations) { budget_ = simulations; }

  // Whether no further simulation may start.
  [[nodiscard]] bool finished() const {
    return done_ + in_flight_ >= budget_ || root_proof_ != Proof::kNone || root_moves_.empty();
  }

  // Starts a simulation by choosing its first move. It is in flight until it is finished or given up.
  DescentStatus start(Descent& descent) {
    descent.steps.clear();
    descent.node = 0;
    const DescentStatus status = advance(descent);
    ++in_flight_;
    return status;
  }

  // Chooses one move more. Reads the tree only, no position: what the move leads to is for the caller to find out.
  DescentStatus advance(Descent& descent) {
    const std::uint32_t at = descent.node;
    if (tree_.node(at).pending) return DescentStatus::kCollision;
    const auto slot = static_cast<std::uint32_t>(at == 0 ? choose_at_root() : choose_inside(descent));
    const Node& node = tree_.node(at);
    Child& child = tree_.children(node)[slot];
    ++child.in_flight;
    if (at == 0) root_child_changed(slot);
    descent.steps.push_back({at, slot});
    descent.side = node.side;
    descent.move = tree_.edges(node)[slot].move();
    if (child.proof != Proof::kNone) return DescentStatus::kProven;
    if (child.node == kNoNode) return child.in_flight == 1 ? DescentStatus::kNew : DescentStatus::kCollision;
    descent.node = child.node;
    descent.visits = child.visits + child.in_flight - 1U;
    descent.q = child.q;
    return DescentStatus::kInside;
  }

  // Memory that advance() will read: the node first, then, once that is there, its moves.
  void prefetch_node(const Descent& descent) const { tree_.prefetch_node(descent.node); }
  void prefetch_moves(const Descent& descent) const { tree_.prefetch_moves(descent.node); }

  // Ends a simulation behind a proven move.
  void finish_exact(const Descent& descent, Known known) {
    last_child(descent).proof_plies = static_cast<std::uint8_t>(known.plies);
    finish(descent, 0, exact_value(known.proof), known.proof);
  }
  // The same where that is known already.
  void finish_exact(const Descent& descent) {
    const Proof proof = last_child(descent).proof;
    finish(descent, descent.side, exact_value(proof), proof);
  }
  // Ends a simulation at a leaf with its moves, their priors and its value, for `side`, which is to move.
  void finish_leaf(const Descent& descent, std::span<const Edge> edges, int side, float value) {
    last_child(descent).node = tree_.add_node(edges, side, value);
    finish(descent, side, value, Proof::kNone);
  }
  // Ends a simulation as if it had never been.
  void give_up(const Descent& descent) {
    for (const Descent::Step& step : descent.steps) --tree_.children(tree_.node(step.node))[step.slot].in_flight;
    root_child_changed(descent.steps.front().slot);
    --in_flight_;
  }

  // The root is evaluated, or was kept: draws its noise, and the search can begin.
  void start_at_root() {
    const std::size_t count = root_moves_.size();
    for (RootMove& m : root_moves_) m.noised = m.prior;
    if (settings_.kind == SearchKind::kGumbel) {
      const int k = std::min(settings_.considered, static_cast<int>(count));
      schedule_ = considered_visits(k, budget_);
      for (std::size_t i = 0; i < count; ++i) {
        const bool given = i < given_gumbel_.size();
        root_moves_[i].gumbel = given ? given_gumbel_[i] : noise_ ? settings_.gumbel_scale * rng_.gumbel() : 0.0F;
      }
    } else if (noise_ && settings_.noise_epsilon > 0.0F) {
      const double alpha = settings_.noise_alpha > 0.0F ? settings_.noise_alpha : 10.0 / static_cast<double>(count);
      std::vector<double> noise(count);
      double sum = 0.0;
      for (double& x : noise) sum += x = rng_.gamma(alpha);
      for (std::size_t i = 0; i < count; ++i) {
        const double share = sum > 0.0 ? noise[i] / sum : 1.0 / static_cast<double>(count);
        RootMove& m = root_moves_[i];
        m.noised = (1.0F - settings_.noise_epsilon) * m.prior + settings_.noise_epsilon * static_cast<float>(share);
      }
    }
    if (settings_.kind == SearchKind::kPuct) start_puct_root();
  }

  // A winning move at the root ends the search with its first simulation.
  void prove_win_at_root(Move move) {
    const int slot = slot_of(root_move(move));  // may move the block of children
    Child& child = tree_.children(tree_.node(0))[slot];
    child.proof = Proof::kWin;
    child.proof_plies = 0;
    child.q = 1.0F;
    ++child.visits;
    root_proof_ = Proof::kWin;
    ++root_visits_;
    ++done_;
  }

  // --- statistics of the root moves ---

  [[nodiscard]] const std::vector<RootMove>& root_moves() const { return root_moves_; }
  [[nodiscard]] int visits(const RootMove& m) const { return m.slot < 0 ? 0 : static_cast<int>(root_child(m).visits); }
  [[nodiscard]] float q(const RootMove& m) const { return m.slot < 0 ? 0.0F : root_child(m).q; }
  [[nodiscard]] Proof proof(const RootMove& m) const { return m.slot < 0 ? Proof::kNone : root_child(m).proof; }
  // Length of the line that proves m, itself included; 0 where nothing is proven.
  [[nodiscard]] int proof_plies(const RootMove& m) const {
    return proof(m) == Proof::kNone ? 0 : root_child(m).proof_plies + 1;
  }

  [[nodiscard]] int simulations() const { return done_; }
  [[nodiscard]] int in_flight() const { return in_flight_; }
  [[nodiscard]] std::uint64_t depth_sum() const { return depth_sum_; }  // of the simulations that are done, in plies
  [[nodiscard]] int max_depth() const { return depth_max_; }
  [[nodiscard]] float root_q() const { return root_q_; }  // mean over all simulations and the root's own evaluation
  [[nodiscard]] Proof root_proof() const { return root_proof_; }
  // The child of a root move that has one.
  [[nodiscard]] const Child& root_child(const RootMove& m) const { return tree_.children(tree_.node(0))[m.slot]; }

  // --- Gumbel's view of the root moves ---

  // How their values are scaled against their priors.
  [[nodiscard]] QTransform root_transform() const {
    const Node& root = tree_.node(0);
    float visits = 0.0F;
    float mass = 0.0F;
    float weighted = 0.0F;
    float most = 0.0F;
    float low = 1e30F;
    float high = -1e30F;
    std::size_t tried = 0;
    for (const RootMove& m : root_moves_) {
      if (m.slot < 0 || root_child(m).visits == 0U) continue;
      const Child& child = root_child(m);
      const auto n = static_cast<float>(child.visits);
      ++tried;
      visits += n;
      most = std::max(most, n);
      mass += m.prior;
      weighted += m.prior * child.q;
      low = std::min(low, child.q);
      high = std::max(high, child.q);
    }
    return q_transform(settings_, root.value, visits, mass, weighted, most, low, high, tried == root_moves_.size());
  }
  [[nodiscard]] float completed_q(const RootMove& m, const QTransform& t) const {
    return m.slot >= 0 && root_child(m).visits > 0U ? root_child(m).q : t.mixed;
  }

  // The index of the root move, among those that admit() lets pass, with the greatest g + logit + sigma(completed Q);
  // -1: none does.
  template <class Admit>
  [[nodiscard]] int best_scored(Admit&& admit) const {
    const QTransform t = root_transform();
    int best = -1;
    float best_score = -1e30F;
    for (std::size_t i = 0; i < root_moves_.size(); ++i) {
      const RootMove& m = root_moves_[i];
      if (!admit(m)) continue;
      const float score = std::max(-1e9F, m.gumbel + m.logit + t.sigma(completed_q(m, t)));
      if (score > best_score) {
        best_score = score;
        best = static_cast<int>(i);
      }
    }
    return best;
  }

 private:
  template <class Moves>
  void set_root_moves(const Moves& moves) {
    root_moves_.assign(static_cast<std::size_t>(moves.size()), RootMove{});
    for (int i = 0; i < moves.size(); ++i) root_moves_[static_cast<std::size_t>(i)].move = moves[i];
  }
  RootMove& root_move(Move move) {
    return *std::find_if(root_moves_.begin(), root_moves_.end(), [move](const RootMove& m) { return m.move == move; });
  }
  // Tells PUCT's choice at the root its priors and, where a subtree was kept, the moves that are tried already.
  void start_puct_root() {
    std::vector<float> priors;
    priors.reserve(root_moves_.size());
    for (const RootMove& m : root_moves_) priors.push_back(m.noised);
    root_.start(std::move(priors));
    const Node& root = tree_.node(0);
    for (int slot = 0; slot < root.child_count; ++slot) {
      root_.add(static_cast<std::size_t>(&root_move(tree_.edges(root)[slot].move()) - root_moves_.data()));
      root_child_changed(static_cast<std::size_t>(slot));
    }
  }

  [[nodiscard]] Child& last_child(const Descent& descent) {
    return tree_.children(tree_.node(descent.steps.back().node))[descent.steps.back().slot];
  }

  // Counts a simulation as done. `value` and `proof` are what its end is worth to `side`.
  void finish(const Descent& descent, int side, float value, Proof proof) {
    backup(descent.steps, side, value, proof);
    --in_flight_;
    ++done_;
  }

  // Adds one finished simulation to every move on the descent. `value` and `proof` are what its end is worth to `side`.
  void backup(const std::vector<Descent::Step>& descent, int side, float value, Proof proof) {
    depth_sum_ += descent.size();
    depth_max_ = std::max(depth_max_, static_cast<int>(descent.size()));
    for (std::size_t i = descent.size(); i-- > 0;) {
      Node& node = tree_.node(descent[i].node);
      Child& child = tree_.children(node)[descent[i].slot];
      if (node.side != side) {  // the one place where the side changes: to the one that chose here
        value = -value;
        proof = opposite(proof);
        side = node.side;
      }
      --child.in_flight;
      ++child.visits;
      if (child.proof == Proof::kNone && proof != Proof::kNone) child.proof = proof;
      if (child.proof != Proof::kNone) {
        child.q = value = exact_value(child.proof);
        proof = node_proof(node, child);
        if (proof != Proof::kNone && i > 0) set_proof_plies(node, proof, descent[i - 1]);
      } else {
        child.q += (value - child.q) / static_cast<float>(child.visits);
        proof = Proof::kNone;
      }
    }
    root_child_changed(descent.front().slot);
    ++root_visits_;
    root_q_ += (value - root_q_) / static_cast<float>(root_visits_);
    if (proof != Proof::kNone) root_proof_ = proof;
  }

  // What is proven of a node once `child` is: a win by any winning move; else the best of its moves when all are
  // proven.
  [[nodiscard]] Proof node_proof(const Node& node, const Child& child) const {
    if (child.proof == Proof::kWin) return Proof::kWin;
    if (node.child_count < node.edge_count) return Proof::kNone;
    Proof best = Proof::kLoss;
    const Child* const children = tree_.children(node);
    for (int i = 0; i < node.child_count; ++i) {
      if (children[i].proof == Proof::kNone) return Proof::kNone;
      if (children[i].proof == Proof::kWin) return Proof::kWin;
      if (children[i].proof == Proof::kDraw) best = Proof::kDraw;
    }
    return best;
  }

  // Notes in the parent's child how long the proof of `node` is: the shortest win, the longest loss or draw.
  void set_proof_plies(const Node& node, Proof proof, const Descent::Step& parent) {
    const Child* const children = tree_.children(node);
    int plies = proof == Proof::kWin ? 255 : 0;
    for (int i = 0; i < node.child_count; ++i) {
      if (children[i].proof != proof) continue;
      plies = proof == Proof::kWin ? std::min(plies, children[i].proof_plies + 1)
                                   : std::max(plies, children[i].proof_plies + 1);
    }
    tree_.children(tree_.node(parent.node))[parent.slot].proof_plies = static_cast<std::uint8_t>(std::min(plies, 255));
  }

  // --- choosing ---

  int choose_inside(const Descent& descent) {
    if (settings_.kind == SearchKind::kGumbel) return choose_gumbel(tree_, settings_, scratch_, descent.node);
    const float q = tree_.node(descent.node).side != descent.side ? -descent.q : descent.q;  // for the side to move
    return choose_puct(tree_, settings_, descent.node, explorations_.of(settings_, descent.visits), q);
  }

  int choose_at_root() {
    if (settings_.kind == SearchKind::kGumbel) return choose_gumbel_at_root();
    const float c = explorations_.of(settings_, root_visits_ + static_cast<std::uint32_t>(in_flight_));
    return slot_of(root_moves_[root_.choose(settings_, c, root_q_, !noise_)]);
  }
  // Tells the choice at the root that the statistics of a child changed.
  void root_child_changed(std::size_t slot) {
    if (settings_.kind == SearchKind::kPuct) root_.update(slot, settings_, tree_.children(tree_.node(0))[slot]);
  }

  // The child of a root move, made where it has none yet.
  int slot_of(RootMove& m) {
    if (m.slot < 0) {
      Node& root = tree_.node(0);
      int at = root.child_count;
      while (tree_.edges(root)[at].move() != m.move) ++at;
      m.slot = tree_.add_child(root, at);
      if (settings_.kind == SearchKind::kPuct) root_.add(static_cast<std::size_t>(&m - root_moves_.data()));
    }
    return m.slot;
  }

  // Gumbel at the root: among the moves with the visit count that sequential halving asks for, the greatest
  // g + logit + sigma(completed Q).
  int choose_gumbel_at_root() {
    const auto turn = static_cast<std::size_t>(done_ + in_flight_);
    const int wanted = turn < schedule_.size() ? schedule_[turn] : -1;
    const int best = best_scored([&](const RootMove& m) {
      const int n = m.slot < 0 ? 0 : static_cast<int>(root_child(m).visits) + root_child(m).in_flight;
      return n == wanted;
    });
    if (best >= 0) return slot_of(root_moves_[static_cast<std::size_t>(best)]);
    // Past the schedule (the budget was raised): the least visited of the best-scored half keeps the search honest.
    return slot_of(root_moves_[static_cast<std::size_t>(best_scored([](const RootMove&) { return true; }))]);
  }

  SearchSettings settings_;
  Rng rng_;
  Tree tree_;
  Tree spare_;  // the tree a kept subtree is copied into
  std::vector<RootMove> root_moves_;
  std::vector<int> schedule_;
  std::vector<float> given_gumbel_;
  std::uint32_t root_visits_ = 0;  // finished simulations and the root's own evaluation
  float root_q_ = 0.0F;
  Proof root_proof_ = Proof::kNone;
  int budget_ = 0;
  int done_ = 0;
  int in_flight_ = 0;
  PuctRoot root_;
  Explorations explorations_;
  std::uint64_t depth_sum_ = 0;
  int depth_max_ = 0;
  bool noise_ = false;
  std::vector<float> scratch_;
};

}  // namespace az
