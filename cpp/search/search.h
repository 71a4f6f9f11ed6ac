// One search: a state machine that asks for leaves to be evaluated and is told the answers.
//
//   search.begin(simulations, noise);
//   while (search.ask(on_leaf) != Ask::kDone) { ... evaluate ...; search.tell(ticket, logits, value); }
//   Move move = best_move(search.tree());
//
// It never calls a network and never blocks.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "cpp/search/fast_math.h"
#include "cpp/search/findings.h"
#include "cpp/search/leaf_origin.h"
#include "cpp/search/search_tree.h"
#include "cpp/search/tree.h"
#include "games/game.h"

namespace az {

enum class Ask {
  kLeaf,  // on_leaf was called; its ticket waits for tell()
  kWait,  // nothing more to ask until a ticket is told
  kDone,  // the search is over
};

template <Game G>
class Search {
 public:
  using Position = typename G::Position;
  using Moves = MoveList<G::kMaxMoves>;

  Search(const Position& position, const SearchSettings& settings, std::uint64_t seed)
      : position_(position), tree_(settings, seed) {}

  [[nodiscard]] const Position& position() const { return position_; }
  // What the simulations know; findings.h says what follows from it.
  [[nodiscard]] const SearchTree& tree() const { return tree_; }
  [[nodiscard]] SearchTree& tree() { return tree_; }

  // Starts over from another position.
  void reset(const Position& position, std::uint64_t seed) {
    drop_tickets();
    position_ = position;
    tree_.reseed(seed);
    tree_.forget();
  }

  // Plays a move in the game; a subtree that may be kept is kept, unless a leaf still waits for its answer.
  void play(Move move) {
    drop_tickets();
    tree_.play(move);
    only_.clear();
    position_.play(move);
    position_.settle();
  }

  // Starts a search of `simulations` new simulations at the current position, which must have a legal move. `noise`
  // turns on the root noise of the settings; `gumbel`, one number a legal move in legal order, stands in for drawn
  // noise. `only`, where not empty, names the root moves to consider. Tickets of an earlier search are void.
  void begin(int simulations, bool noise, std::span<const float> gumbel = {}, std::span<const Move> only = {}) {
    drop_tickets();
    if (!std::equal(only.begin(), only.end(), only_.begin(), only_.end())) tree_.forget();
    only_.assign(only.begin(), only.end());
    tree_.begin(simulations, noise, gumbel);
    if (tree_.empty()) return;
    tree_.take_up_root(root_legal_moves());
    start_at_root();
  }

  // Goes on until a leaf needs its evaluation. Then on_leaf(position, moves, ticket) sees the leaf: encode it there and
  // remember the ticket. It may play on from the leaf (a rollout) if it takes all back; the leaf itself is taken back
  // here.
  template <class OnLeaf>
  Ask ask(OnLeaf&& on_leaf) {
    if (tree_.empty()) {
      const Moves moves = root_legal_moves();
      tree_.add_root(moves, position_.turn());
      const int ticket = new_ticket();
      tickets_[static_cast<std::size_t>(ticket)].node = 0;
      on_leaf(position_, moves, ticket);
      return Ask::kLeaf;
    }
    if (tree_.root_is_pending()) return Ask::kWait;
    while (!tree_.finished()) {
      if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) return Ask::kWait;
      const Ask result = descend(on_leaf);
      if (result != Ask::kDone) return result;  // kDone: the simulation ended by itself on an exact value
    }
    return tree_.in_flight() > 0 ? Ask::kWait : Ask::kDone;
  }

  // Once `stop` is true, ask() starts no further simulation: those that end on exact values may be many.
  void stop_when(const std::atomic<bool>* stop) { stop_ = stop; }

  // How many logits the answer to a ticket has; -1: no leaf waits under this number.
  [[nodiscard]] int wanted(int ticket) const {
    if (ticket < 0 || ticket >= static_cast<int>(tickets_.size())) return -1;
    const std::uint32_t node = tickets_[static_cast<std::size_t>(ticket)].node;
    return node == kNoNode ? -1 : tree_.nodes().node(node).edge_count;
  }
  // Of a leaf that waits.
  [[nodiscard]] LeafOrigin origin(int ticket) const {
    const std::vector<Descent::Step>& steps = tickets_[static_cast<std::size_t>(ticket)].descent.steps;
    const std::uint32_t node = tickets_[static_cast<std::size_t>(ticket)].node;
    if (node == 0) return {};
    const std::vector<RootMove>& moves = tree_.root_moves();
    const auto slot = static_cast<int>(steps.front().slot);
    const auto found = std::find_if(moves.begin(), moves.end(), [slot](const RootMove& m) { return m.slot == slot; });
    const bool own = tree_.nodes().node(node).side == tree_.nodes().node(0).side;
    return {static_cast<int>(found - moves.begin()), static_cast<int>(steps.size()), own};
  }
  [[nodiscard]] int waiting() const { return static_cast<int>(tickets_.size() - free_tickets_.size()); }

  // The answer to a ticket: a logit for each legal move, in legal order, and the value in [-1, 1] for the side to move.
  void tell(int ticket_index, const float* logits, float value) {
    Ticket& ticket = tickets_[static_cast<std::size_t>(ticket_index)];
    tree_.evaluate(ticket.node, ticket.descent, logits, value);
    if (ticket.node == 0) start_at_root();
    ticket.node = kNoNode;
    free_tickets_.push_back(ticket_index);
  }

  // Looks at a leaf; where nothing is proven, `moves` are its legal moves.
  [[nodiscard]] Known look(const Position& leaf, Moves& moves) const {
    if (const auto outcome = leaf.outcome())
      return {outcome->value > 0 ? Proof::kWin : outcome->value < 0 ? Proof::kLoss : Proof::kDraw, 0};
    leaf.legal_moves(moves);
    if (wins_at_once(leaf, moves) != kNoMove) return {leaf.turn() == 0 ? Proof::kWin : Proof::kLoss, 1};
    return {};
  }

 private:
  struct Ticket {
    std::uint32_t node = kNoNode;
    Descent descent;
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
    tree_.forget();
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
      if (tree_.settings().find_wins) return position.winning_move(moves);
    }
    return kNoMove;
  }

  // The root is evaluated: the search can begin.
  void start_at_root() {
    tree_.start_at_root();
    Moves moves;
    for (const RootMove& m : tree_.root_moves()) moves.push(m.move);
    const Move win = wins_at_once(position_, moves);
    if (win != kNoMove) tree_.prove_win_at_root(win);
  }

  template <class OnLeaf>
  Ask descend(OnLeaf&& on_leaf) {
    DescentStatus status = tree_.start(descent_);
    position_.play(descent_.move);
    std::size_t plies = 1;
    while (status == DescentStatus::kInside) {
      status = tree_.advance(descent_);
      if (status == DescentStatus::kCollision) break;
      position_.play(descent_.move);
      ++plies;
    }
    Ask result = Ask::kDone;
    if (status == DescentStatus::kCollision) {
      result = Ask::kWait;
    } else if (status == DescentStatus::kNew) {
      Moves moves;
      const Known known = look(position_, moves);
      if (known.proof == Proof::kNone) {
        result = Ask::kLeaf;
        const std::uint32_t node = tree_.add_leaf(descent_, moves, position_.turn());
        const int ticket = new_ticket();
        tickets_[static_cast<std::size_t>(ticket)].node = node;
        tickets_[static_cast<std::size_t>(ticket)].descent = descent_;
        on_leaf(position_, static_cast<const Moves&>(moves), ticket);
      } else {
        tree_.finish_exact(descent_, known);
      }
    } else {
      tree_.finish_exact(descent_);
    }
    for (std::size_t i = 0; i < plies; ++i) position_.undo();
    if (result == Ask::kWait) tree_.give_up(descent_);
    return result;
  }

  Position position_;
  SearchTree tree_;
  std::vector<Move> only_;  // the root moves to consider; empty: all
  Descent descent_;
  std::vector<Ticket> tickets_;
  std::vector<int> free_tickets_;
  const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace az
