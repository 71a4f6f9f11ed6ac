// One search: a state machine that asks for leaves to be evaluated and is told the answers.
//
//   search.begin(simulations, noise);
//   while (search.ask(on_leaf) != Ask::kDone) { ... evaluate ...; search.tell(ticket, logits, value); }
//   Move move = search.best_move();
//
// It never calls a network and never blocks. PUCT and Gumbel are two ways to choose at the root and inside, over one
// tree. All values in here are for the side to move at the node that holds them; Child::q is for the side that chose
// the child.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "cpp/search/fast_math.h"
#include "cpp/search/gumbel.h"
#include "cpp/search/puct.h"
#include "cpp/search/puct_root.h"
#include "cpp/search/rng.h"
#include "cpp/search/schedule.h"
#include "cpp/search/settings.h"
#include "cpp/search/tree.h"
#include "games/game.h"

namespace az {

enum class Ask {
  kLeaf,  // on_leaf was called; its ticket waits for tell()
  kWait,  // nothing more to ask until a ticket is told
  kDone,  // the search is over
};

// How far a simulation's way down the tree has come.
enum class Reach {
  kInside,  // at a node whose next move is to be chosen
  kLeaf,    // behind a move whose position was never looked at
  kExact,   // behind a move that is proven
  kTaken,   // where another simulation waits for its evaluation: nothing to do here
};

// A simulation's way down the tree.
struct Path {
  struct Step {
    std::uint32_t node;
    std::uint32_t slot;
  };
  std::vector<Step> steps;
  Move move = kNoMove;       // the last move
  std::uint32_t node = 0;    // where the way has come to, unless it ended
  std::uint32_t visits = 0;  // of that node, and its mean value for the side to move, when it was reached
  float q = 0.0F;
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

template <Game G>
class Search {
 public:
  using Position = typename G::Position;
  using Moves = MoveList<G::kMaxMoves>;

  Search(const Position& position, const SearchSettings& settings, std::uint64_t seed)
      : settings_(settings), position_(position), rng_(seed) {
    settings_.check();
  }

  [[nodiscard]] const Position& position() const { return position_; }
  [[nodiscard]] const SearchSettings& settings() const { return settings_; }
  [[nodiscard]] SearchSettings& settings() { return settings_; }
  [[nodiscard]] Rng& rng() { return rng_; }

  // Starts over from another position.
  void reset(const Position& position, std::uint64_t seed) {
    position_ = position;
    rng_ = Rng(seed);
    forget_tree();
  }

  // Plays a move in the game; a subtree that may be kept is kept. No search may be under way.
  void play(Move move) {
    const bool keep = settings_.reuse_tree && settings_.kind == SearchKind::kPuct && !tree_.empty();
    std::uint32_t next = kNoNode;
    if (keep) {
      const Node& root = tree_.node(0);
      for (int i = 0; i < root.child_count; ++i) {
        if (tree_.edges(root)[i].move() != move) continue;
        const Child& child = tree_.children(root)[i];
        next = child.node;
        root_visits_ = child.visits;
        root_q_ = -child.q;
        root_proof_ = opposite(child.proof);
      }
    }
    if (next != kNoNode) {
      spare_.copy_subtree(tree_, next);
      std::swap(tree_, spare_);
    } else {
      forget_tree();
    }
    only_.clear();
    position_.play(move);
    position_.settle();
  }

  // Starts a search of `simulations` new simulations at the current position, which must have a legal move. `noise`
  // turns on the root noise of the settings; `gumbel`, one number a legal move in legal order, stands in for drawn
  // noise. `only`, where not empty, names the root moves to consider.
  void begin(int simulations, bool noise, std::span<const float> gumbel = {}, std::span<const Move> only = {}) {
    if (!std::equal(only.begin(), only.end(), only_.begin(), only_.end())) forget_tree();
    only_.assign(only.begin(), only.end());
    budget_ = simulations;
    done_ = 0;
    in_flight_ = 0;
    depth_sum_ = 0;
    depth_max_ = 0;
    noise_ = noise;
    given_gumbel_.assign(gumbel.begin(), gumbel.end());
    schedule_.clear();
    if (settings_.kind == SearchKind::kGumbel) forget_tree();
    root_moves_.clear();
    if (!tree_.empty()) {  // a kept subtree: its root is evaluated already
      set_root_moves(root_legal_moves());
      const Node& root = tree_.node(0);
      for (int i = 0; i < root.edge_count; ++i) {
        RootMove& each = root_move(tree_.edges(root)[i].move());
        each.prior = tree_.edges(root)[i].prior();
        each.logit = std::log(each.prior);
        if (i < root.child_count) each.slot = i;
      }
      start_root();
    }
  }

  // Shortens or lengthens the running search (time management; `stop`).
  void set_budget(int simulations) { budget_ = simulations; }

  // Goes on until a leaf needs its evaluation. Then on_leaf(position, moves, ticket) sees the leaf: encode it there and
  // remember the ticket. It may play on from the leaf (a rollout) if it takes all back; the leaf itself is taken back
  // here.
  template <class OnLeaf>
  Ask ask(OnLeaf&& on_leaf) {
    if (tree_.empty()) {
      const Moves moves = root_legal_moves();
      set_root_moves(moves);
      tree_.add_node(moves);
      const int ticket = new_ticket();
      tickets_[static_cast<std::size_t>(ticket)].node = 0;
      on_leaf(position_, moves, ticket);
      return Ask::kLeaf;
    }
    if (tree_.node(0).pending) return Ask::kWait;
    while (!finished()) {
      const Ask result = descend(on_leaf);
      if (result != Ask::kDone) return result;  // kDone: the simulation ended by itself on an exact value
    }
    return in_flight_ > 0 ? Ask::kWait : Ask::kDone;
  }

  // The answer to a ticket: a logit for each legal move, in legal order, and the value in [-1, 1] for the side to move.
  void tell(int ticket_index, const float* logits, float value) {
    Ticket& ticket = tickets_[static_cast<std::size_t>(ticket_index)];
    Node& node = tree_.node(ticket.node);
    Edge* const edges = tree_.edges(node);
    const int count = node.edge_count;
    if (scratch_.size() < node.edge_count) scratch_.resize(node.edge_count);
    float* const priors = scratch_.data();
    const float top = softmax(logits, priors, count);
    for (int i = 0; i < count; ++i) edges[i].set_prior(priors[i]);
    node.value = value;
    node.pending = false;
    if (ticket.node == 0) {
      for (int i = 0; i < count; ++i) {
        RootMove& each = root_moves_[static_cast<std::size_t>(i)];
        each.logit = logits[i] - top;
        each.prior = priors[i];
      }
      root_visits_ = 1;
      root_q_ = value;
      root_proof_ = Proof::kNone;
      start_root();
    } else {
      finish(ticket.path, value, Proof::kNone);
    }
    free_tickets_.push_back(ticket_index);
  }

  // --- the pieces of a simulation, which ask() and ParallelSearch put together ---

  // Whether no further simulation may start.
  [[nodiscard]] bool finished() const {
    return done_ + in_flight_ >= budget_ || root_proof_ != Proof::kNone || root_moves_.empty();
  }

  // Starts a simulation by choosing its first move. It is in flight until it is finished or given up.
  Reach start(Path& path) {
    path.steps.clear();
    path.node = 0;
    const Reach reach = advance(path);
    ++in_flight_;
    return reach;
  }

  // Chooses one move more. Reads the tree only, no position: what the move leads to is for the caller to find out.
  Reach advance(Path& path) {
    const std::uint32_t at = path.node;
    if (tree_.node(at).pending) return Reach::kTaken;
    const auto slot = static_cast<std::uint32_t>(at == 0 ? choose_at_root() : choose_inside(path));
    const Node& node = tree_.node(at);
    Child& child = tree_.children(node)[slot];
    ++child.in_flight;
    if (at == 0) root_child_changed(slot);
    path.steps.push_back({at, slot});
    path.move = tree_.edges(node)[slot].move();
    if (child.proof != Proof::kNone) return Reach::kExact;
    if (child.node == kNoNode) return child.in_flight == 1 ? Reach::kLeaf : Reach::kTaken;
    path.node = child.node;
    path.visits = child.visits + child.in_flight - 1U;
    path.q = -child.q;
    return Reach::kInside;
  }

  // Memory that advance() will read: the node first, then, once that is there, its moves.
  void prefetch_node(const Path& path) const { tree_.prefetch_node(path.node); }
  void prefetch_moves(const Path& path) const { tree_.prefetch_moves(path.node); }

  // What the rules know of the position behind a move: its proof, for the side that played it, and the proof's length.
  struct Known {
    Proof proof = Proof::kNone;
    int plies = 0;
  };
  // Looks at a leaf; where nothing is proven, `moves` are its legal moves.
  [[nodiscard]] Known look(const Position& leaf, Moves& moves) const {
    if (const auto outcome = leaf.outcome()) {
      const int mover = 1 - leaf.turn();  // who played into it
      const int value = mover == 0 ? outcome->value : -outcome->value;
      return {value > 0 ? Proof::kWin : value < 0 ? Proof::kLoss : Proof::kDraw, 0};
    }
    leaf.legal_moves(moves);
    if (wins_at_once(leaf, moves) != kNoMove) return {Proof::kLoss, 1};
    return {};
  }

  // Ends a simulation behind a proven move.
  void finish_exact(const Path& path, Known known) {
    last_child(path).proof_plies = static_cast<std::uint8_t>(known.plies);
    finish(path, -exact_value(known.proof), opposite(known.proof));
  }
  void finish_exact(const Path& path) { finish_exact(path, {last_child(path).proof, last_child(path).proof_plies}); }
  // Ends a simulation at a leaf with its moves, their priors and its value for the side to move.
  void finish_leaf(const Path& path, std::span<const Edge> edges, float value) {
    last_child(path).node = tree_.add_node(edges, value);
    finish(path, value, Proof::kNone);
  }
  // Ends a simulation as if it had never been.
  void give_up(const Path& path) {
    for (const Path::Step& step : path.steps) --tree_.children(tree_.node(step.node))[step.slot].in_flight;
    root_child_changed(path.steps.front().slot);
    --in_flight_;
  }

  // --- what the search found; all for the side to move at the root ---

  [[nodiscard]] int simulations() const { return done_; }
  [[nodiscard]] const std::vector<RootMove>& root_moves() const { return root_moves_; }
  [[nodiscard]] float network_value() const { return tree_.empty() ? 0.0F : tree_.node(0).value; }
  [[nodiscard]] Proof root_proof() const { return root_proof_; }
  [[nodiscard]] const Tree& tree() const { return tree_; }

  [[nodiscard]] int visits(const RootMove& m) const { return m.slot < 0 ? 0 : static_cast<int>(root_child(m).visits); }
  [[nodiscard]] float q(const RootMove& m) const { return m.slot < 0 ? 0.0F : root_child(m).q; }
  [[nodiscard]] Proof proof(const RootMove& m) const { return m.slot < 0 ? Proof::kNone : root_child(m).proof; }
  // Length of the line that proves m, itself included; 0 where nothing is proven.
  [[nodiscard]] int proof_plies(const RootMove& m) const {
    return proof(m) == Proof::kNone ? 0 : root_child(m).proof_plies + 1;
  }

  // How deep this search's simulations went, in plies: on average, and at most.
  [[nodiscard]] float mean_depth() const {
    return done_ == 0 ? 0.0F : static_cast<float>(depth_sum_) / static_cast<float>(done_);
  }
  [[nodiscard]] int max_depth() const { return depth_max_; }

  // The position's value by this search: exact where proven, else the mean over all simulations and the root's own.
  [[nodiscard]] float root_value() const { return root_proof_ != Proof::kNone ? exact_value(root_proof_) : root_q_; }

  // The move to play at full strength. A proven win is played, the shortest first; a proven loss only when all lose,
  // the longest first.
  [[nodiscard]] Move best_move() const { return root_moves_[static_cast<std::size_t>(best_index())].move; }

  // A move drawn in proportion to visits^(1 / temperature), proven moves as in best_move(). For PUCT.
  [[nodiscard]] Move sample_move(double temperature) {
    if (root_proof_ == Proof::kWin || temperature <= 0.0) return best_move();
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
  struct Ticket {
    std::uint32_t node = kNoNode;
    Path path;
  };

  void forget_tree() {
    tree_.clear();
    root_visits_ = 0;
    root_q_ = 0.0F;
    root_proof_ = Proof::kNone;
  }

  [[nodiscard]] Moves root_legal_moves() const {
    Moves moves;
    position_.legal_moves(moves);
    if (only_.empty()) return moves;
    Moves chosen;
    for (const Move move : moves)
      if (std::find(only_.begin(), only_.end(), move) != only_.end()) chosen.push(move);
    return chosen;
  }
  void set_root_moves(const Moves& moves) {
    root_moves_.assign(static_cast<std::size_t>(moves.size()), RootMove{});
    for (int i = 0; i < moves.size(); ++i) root_moves_[static_cast<std::size_t>(i)].move = moves[i];
  }
  RootMove& root_move(Move move) {
    return *std::find_if(root_moves_.begin(), root_moves_.end(), [move](const RootMove& m) { return m.move == move; });
  }
  [[nodiscard]] const Child& root_child(const RootMove& m) const { return tree_.children(tree_.node(0))[m.slot]; }

  int new_ticket() {
    if (free_tickets_.empty()) {
      tickets_.emplace_back();
      return static_cast<int>(tickets_.size()) - 1;
    }
    const int ticket = free_tickets_.back();
    free_tickets_.pop_back();
    return ticket;
  }

  // A move that wins on the spot, for games that know theirs; else kNoMove.
  [[nodiscard]] Move wins_at_once(const Position& position, const Moves& moves) const {
    if constexpr (HasWinningMove<G>) {
      if (settings_.find_wins) return position.winning_move(moves);
    }
    return kNoMove;
  }

  // A winning move at the root ends the search with its first simulation.
  void prove_win_at_root() {
    Moves moves;
    for (const RootMove& m : root_moves_) moves.push(m.move);
    const Move move = wins_at_once(position_, moves);
    if (move == kNoMove) return;
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

  // The root is evaluated: draw its noise.
  void start_root() {
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
    prove_win_at_root();
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

  template <class OnLeaf>
  Ask descend(OnLeaf&& on_leaf) {
    Reach reach = start(path_);
    position_.play(path_.move);
    std::size_t plies = 1;
    while (reach == Reach::kInside) {
      reach = advance(path_);
      if (reach == Reach::kTaken) break;
      position_.play(path_.move);
      ++plies;
    }
    Ask result = Ask::kDone;
    if (reach == Reach::kTaken) {
      result = Ask::kWait;
    } else if (reach == Reach::kLeaf) {
      Moves moves;
      const Known known = look(position_, moves);
      if (known.proof == Proof::kNone) {
        result = Ask::kLeaf;
        const std::uint32_t node = last_child(path_).node = tree_.add_node(moves);
        const int ticket = new_ticket();
        tickets_[static_cast<std::size_t>(ticket)].node = node;
        tickets_[static_cast<std::size_t>(ticket)].path = path_;
        on_leaf(position_, static_cast<const Moves&>(moves), ticket);
      } else {
        finish_exact(path_, known);
      }
    } else {
      finish_exact(path_);
    }
    for (std::size_t i = 0; i < plies; ++i) position_.undo();
    if (result == Ask::kWait) give_up(path_);
    return result;
  }

  [[nodiscard]] Child& last_child(const Path& path) {
    return tree_.children(tree_.node(path.steps.back().node))[path.steps.back().slot];
  }

  // Counts a simulation as done. `value` and `proof` are for the side to move at its end.
  void finish(const Path& path, float value, Proof proof) {
    backup(path.steps, value, proof);
    --in_flight_;
    ++done_;
  }

  // Adds one finished simulation to every move on the path. `value` and `proof` are for the side to move at its end.
  void backup(const std::vector<Path::Step>& path, float value, Proof proof) {
    depth_sum_ += path.size();
    depth_max_ = std::max(depth_max_, static_cast<int>(path.size()));
    for (std::size_t i = path.size(); i-- > 0;) {
      Node& node = tree_.node(path[i].node);
      Child& child = tree_.children(node)[path[i].slot];
      value = -value;  // the one place where the side changes: from the node below to the side that moved there
      proof = opposite(proof);
      --child.in_flight;
      ++child.visits;
      if (child.proof == Proof::kNone && proof != Proof::kNone) child.proof = proof;
      if (child.proof != Proof::kNone) {
        child.q = value = exact_value(child.proof);
        proof = node_proof(node, child);
        if (proof != Proof::kNone && i > 0) set_proof_plies(node, proof, path[i - 1]);
      } else {
        child.q += (value - child.q) / static_cast<float>(child.visits);
        proof = Proof::kNone;
      }
    }
    root_child_changed(path.front().slot);
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
    const Child* const kids = tree_.children(node);
    for (int i = 0; i < node.child_count; ++i) {
      if (kids[i].proof == Proof::kNone) return Proof::kNone;
      if (kids[i].proof == Proof::kWin) return Proof::kWin;
      if (kids[i].proof == Proof::kDraw) best = Proof::kDraw;
    }
    return best;
  }

  // Notes in the parent's child how long the proof of `node` is: the shortest win, the longest loss or draw.
  void set_proof_plies(const Node& node, Proof proof, const Path::Step& parent) {
    const Child* const kids = tree_.children(node);
    int plies = proof == Proof::kWin ? 255 : 0;
    for (int i = 0; i < node.child_count; ++i) {
      if (kids[i].proof != proof) continue;
      plies =
          proof == Proof::kWin ? std::min(plies, kids[i].proof_plies + 1) : std::max(plies, kids[i].proof_plies + 1);
    }
    tree_.children(tree_.node(parent.node))[parent.slot].proof_plies = static_cast<std::uint8_t>(std::min(plies, 255));
  }

  // --- choosing ---

  int choose_inside(const Path& path) {
    return settings_.kind == SearchKind::kPuct ? choose_puct(tree_, settings_, path.node, path.visits, path.q)
                                               : choose_gumbel(tree_, settings_, scratch_, path.node);
  }

  int choose_at_root() {
    if (settings_.kind == SearchKind::kGumbel) return choose_gumbel_at_root();
    const float c = exploration(settings_, static_cast<float>(root_visits_) + static_cast<float>(in_flight_));
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

  SearchSettings settings_;
  Position position_;
  Rng rng_;
  Tree tree_;
  Tree spare_;  // the tree a kept subtree is copied into
  std::vector<RootMove> root_moves_;
  std::vector<int> schedule_;
  std::vector<float> given_gumbel_;
  std::vector<Move> only_;         // the root moves to consider; empty: all
  std::uint32_t root_visits_ = 0;  // finished simulations and the root's own evaluation
  float root_q_ = 0.0F;
  Proof root_proof_ = Proof::kNone;
  int budget_ = 0;
  int done_ = 0;
  int in_flight_ = 0;
  PuctRoot root_;
  std::uint64_t depth_sum_ = 0;
  int depth_max_ = 0;
  bool noise_ = false;
  Path path_;
  std::vector<Ticket> tickets_;
  std::vector<int> free_tickets_;
  std::vector<float> scratch_;
};

}  // namespace az
