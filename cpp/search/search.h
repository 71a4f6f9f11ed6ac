// One search: a state machine that asks for leaves to be evaluated and is told the answers.
//
//   search.begin(simulations, noise);
//   while (search.ask(on_leaf) != Ask::kDone) { ... evaluate ...; search.tell(ticket, logits, value); }
//   Move move = search.best_move();
//
// It never calls a network and never blocks.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>
#include <vector>

#include "cpp/search/fast_math.h"
#include "cpp/search/findings.h"
#include "cpp/search/simulations.h"
#include "cpp/search/tree.h"
#include "games/game.h"

namespace az {

enum class Ask {
  kLeaf,  // on_leaf was called; its ticket waits for tell()
  kWait,  // nothing more to ask until a ticket is told
  kDone,  // the search is over
};

template <Game G>
class Search : public Findings {
 public:
  using Position = typename G::Position;
  using Moves = MoveList<G::kMaxMoves>;

  Search(const Position& position, const SearchSettings& settings, std::uint64_t seed)
      : Findings(settings, seed), position_(position) {}

  [[nodiscard]] const Position& position() const { return position_; }

  // Starts over from another position.
  void reset(const Position& position, std::uint64_t seed) {
    drop_tickets();
    position_ = position;
    rng_ = Rng(seed);
    forget_tree();
  }

  // Plays a move in the game; a subtree that may be kept is kept, unless a leaf still waits for its answer.
  void play(Move move) {
    drop_tickets();
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
    root_moves_.clear();
    position_.play(move);
    position_.settle();
  }

  // Starts a search of `simulations` new simulations at the current position, which must have a legal move. `noise`
  // turns on the root noise of the settings; `gumbel`, one number a legal move in legal order, stands in for drawn
  // noise. `only`, where not empty, names the root moves to consider. Tickets of an earlier search are void.
  void begin(int simulations, bool noise, std::span<const float> gumbel = {}, std::span<const Move> only = {}) {
    drop_tickets();
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
      start_at_root();
    }
  }

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
      if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) return Ask::kWait;
      const Ask result = descend(on_leaf);
      if (result != Ask::kDone) return result;  // kDone: the simulation ended by itself on an exact value
    }
    return in_flight_ > 0 ? Ask::kWait : Ask::kDone;
  }

  // Once `stop` is true, ask() starts no further simulation: those that end on exact values may be many.
  void stop_when(const std::atomic<bool>* stop) { stop_ = stop; }

  // How many logits the answer to a ticket has; -1: no leaf waits under this number.
  [[nodiscard]] int wanted(int ticket) const {
    if (ticket < 0 || ticket >= static_cast<int>(tickets_.size())) return -1;
    const std::uint32_t node = tickets_[static_cast<std::size_t>(ticket)].node;
    return node == kNoNode ? -1 : tree_.node(node).edge_count;
  }
  [[nodiscard]] int waiting() const { return static_cast<int>(tickets_.size() - free_tickets_.size()); }

  // The answer to a ticket: a logit for each legal move, in legal order, and the value in [-1, 1] for the side to move.
  void tell(int ticket_index, const float* logits, float value) {
    Ticket& ticket = tickets_[static_cast<std::size_t>(ticket_index)];
    Node& node = tree_.node(ticket.node);
    Edge* const edges = tree_.edges(node);
    const int count = node.edge_count;
    if (scratch_.size() < node.edge_count) scratch_.resize(node.edge_count);
    float* const priors = scratch_.data();
    const float sharpness = 1.0F / settings_.policy_temperature;
    const float top = softmax(logits, priors, count, sharpness);
    for (int i = 0; i < count; ++i) edges[i].set_prior(priors[i]);
    node.value = value;
    node.pending = false;
    if (ticket.node == 0) {
      for (int i = 0; i < count; ++i) {
        RootMove& each = root_moves_[static_cast<std::size_t>(i)];
        each.logit = (logits[i] - top) * sharpness;
        each.prior = priors[i];
      }
      root_visits_ = 1;
      root_q_ = value;
      root_proof_ = Proof::kNone;
      start_at_root();
    } else {
      finish(ticket.path, value, Proof::kNone);
    }
    ticket.node = kNoNode;
    free_tickets_.push_back(ticket_index);
  }

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

 private:
  struct Ticket {
    std::uint32_t node = kNoNode;
    Path path;
  };

  [[nodiscard]] Moves root_legal_moves() const {
    Moves moves;
    position_.legal_moves(moves);
    if (only_.empty()) return moves;
    Moves chosen;
    for (const Move move : moves)
      if (std::find(only_.begin(), only_.end(), move) != only_.end()) chosen.push(move);
    return chosen;
  }
  // Leaves that wait for an answer leave marks in the tree, which goes with them.
  void drop_tickets() {
    if (waiting() == 0) return;
    forget_tree();
    tickets_.clear();
    free_tickets_.clear();
  }
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

  // The root is evaluated: the search can begin.
  void start_at_root() {
    start_root();
    Moves moves;
    for (const RootMove& m : root_moves_) moves.push(m.move);
    const Move win = wins_at_once(position_, moves);
    if (win != kNoMove) prove_win_at_root(win);
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

  Position position_;
  Tree spare_;              // the tree a kept subtree is copied into
  std::vector<Move> only_;  // the root moves to consider; empty: all
  Path path_;
  std::vector<Ticket> tickets_;
  std::vector<int> free_tickets_;
  const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace az
