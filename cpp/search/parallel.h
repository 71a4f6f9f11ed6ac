// Several threads in one tree, without a lock in it and with the same result for any number of them.
//
// The tree belongs to one thread. It chooses a block of simulations' ways down, which takes the tree alone: edges hold
// the moves, no position is played. Then all threads look at the leaves, each with a position of its own: they play the
// way, ask the rules and the evaluator. The tree's thread adds what they found, in order. It chooses one block ahead:
//
//   the tree's thread   choose 2 | add 1, choose 3 | add 2, choose 4 | ...     and looks at leaves when it is early
//   the others          look at 1 | look at 2      | look at 3       | ...
//
// What a way is chosen by is the schedule's alone: which blocks are added never depends on who was fast. Simulations
// under way count as virtual losses, as for leaves that wait for a network.
//
// The ways of a block are chosen side by side, one move each in turn, so that the memory each needs next is on its way
// while the others choose. That gives the ways that one after the other would give: a node's choices come in the same
// order.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "cpp/search/search.h"
#include "games/game.h"

namespace az {

// `Value` is float(Position& leaf, std::uint64_t number): the value for the side to move; it gives the position back as
// it came and is called by all threads at once. Priors are equal. `number` counts the leaves.
template <Game G, class Value>
class ParallelSearch {
 public:
  // `search` is PUCT, begun, and has no ticket out. The calling thread is one of `threads`.
  ParallelSearch(Search<G>& search, int threads, Value value)
      : search_(search), value_(std::move(value)), position_(search.position()) {
    for (int i = 1; i < threads; ++i) {
      workers_.emplace_back([this, position = search.position()]() mutable { work(position); });
    }
  }
  ParallelSearch(const ParallelSearch&) = delete;
  ParallelSearch& operator=(const ParallelSearch&) = delete;
  ~ParallelSearch() {
    published_.store(kStop, std::memory_order_release);
    published_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  // Runs the search to its end; `between` is called between blocks and may end it with set_budget().
  template <class Between>
  void run(Between&& between) {
    evaluate_root();
    choose(1);
    for (std::uint32_t round = 1;; ++round) {
      between();
      choose(round + 1);
      if (block(round).size == 0 && block(round + 1).size == 0) break;
      finish_looking(round);
      add(block(round));
    }
  }

  // Ways that ended at a leaf which another one already waited for.
  [[nodiscard]] std::uint64_t collisions() const { return collisions_; }

 private:
  using Position = typename G::Position;
  using Moves = MoveList<G::kMaxMoves>;

  static constexpr int kBlock = 64;  // ways at most
  static constexpr int kShare = 8;   // simulations done for each way of a block: a small tree has few leaves to look at
  static constexpr int kChunk = 4;   // leaves a thread takes at a time
  static constexpr std::size_t kAhead = 6;  // ways between the memory that is asked for and the one that is used
  static constexpr int kPatience = 200;     // looks at a counter before a thread goes to sleep
  static constexpr std::uint32_t kStop = 0xffffffff;

  struct alignas(64) Way {
    Descent descent;
    std::vector<Move> moves;
    DescentStatus status = DescentStatus::kInside;
    std::uint64_t number = 0;
    // What a thread found at its leaf:
    Known known;
    std::vector<Edge> edges;
    int side = 0;
    float value = 0.0F;
  };
  struct Block {
    std::array<Way, kBlock> ways;
    int size = 0;
    // round << 32 | size << 16 | first way that nobody took: a thread that comes late finds another round and takes
    // none
    alignas(64) std::atomic<std::uint64_t> free{0};
    alignas(64) std::atomic<int> left{0};  // ways not looked at
  };

  Block& block(std::uint32_t round) { return blocks_[round % 2]; }

  void evaluate_root() {
    if (!tree().empty()) return;
    int ticket = 0;
    float value = 0.0F;
    std::vector<float> logits;
    search_.ask([&](Position& root, const Moves& moves, int t) {
      ticket = t;
      logits.assign(static_cast<std::size_t>(moves.size()), 0.0F);
      value = value_(root, leaves_++);
    });
    search_.tell(ticket, logits.data(), value);
  }

  // Fills the round's block and hands it to the threads.
  void choose(std::uint32_t round) {
    Block& b = block(round);
    b.size = 0;
    const int most = std::min(kBlock, 1 + tree().simulations() / kShare);
    under_way_.clear();
    for (; b.size < most && !tree().finished(); ++b.size) {
      Way& way = b.ways[static_cast<std::size_t>(b.size)];
      way.moves.clear();
      came_to(way, tree().start(way.descent));
    }
    while (!under_way_.empty()) {
      std::swap(under_way_, last_under_way_);
      under_way_.clear();
      for (std::size_t i = 0; i < last_under_way_.size(); ++i) {
        if (i + kAhead < last_under_way_.size()) tree().prefetch_moves(last_under_way_[i + kAhead]->descent);
        Way& way = *last_under_way_[i];
        came_to(way, tree().advance(way.descent));
      }
    }
    b.left.store(b.size, std::memory_order_relaxed);
    b.free.store(std::uint64_t{round} << 32 | static_cast<std::uint64_t>(b.size) << 16, std::memory_order_release);
    published_.store(round, std::memory_order_release);
    published_.notify_all();
  }
  void came_to(Way& way, DescentStatus status) {
    way.status = status;
    way.moves.push_back(way.descent.move);
    if (status == DescentStatus::kInside) {
      tree().prefetch_node(way.descent);
      under_way_.push_back(&way);
    } else if (status == DescentStatus::kNew) {
      way.number = leaves_++;
    }
  }

  // Looks at what is left of the round's block and waits for what others took.
  void finish_looking(std::uint32_t round) {
    Block& b = block(round);
    look_at(b, round, position_);
    wait_while(b.left, [](int left) { return left > 0; });
  }

  void add(Block& b) {
    for (int i = 0; i < b.size; ++i) {
      const Way& way = b.ways[static_cast<std::size_t>(i)];
      if (way.status == DescentStatus::kCollision) {
        ++collisions_;
        tree().give_up(way.descent);
      } else if (way.status == DescentStatus::kProven) {
        tree().finish_exact(way.descent);
      } else if (way.known.proof != Proof::kNone) {
        tree().finish_exact(way.descent, way.known);
      } else {
        tree().finish_leaf(way.descent, way.edges, way.side, way.value);
      }
    }
  }

  // --- what every thread does ---

  void work(Position& position) {
    for (std::uint32_t round = 1;; ++round) {
      wait_while(published_, [round](std::uint32_t published) { return published < round; });
      if (published_.load(std::memory_order_relaxed) == kStop) return;
      look_at(block(round), round, position);
    }
  }

  void look_at(Block& b, std::uint32_t round, Position& position) {
    std::uint64_t free = b.free.load(std::memory_order_acquire);
    for (;;) {
      const int size = static_cast<int>(free >> 16 & 0xffff);
      const int from = static_cast<int>(free & 0xffff);
      if (free >> 32 != round || from >= size) return;
      const int to = std::min(from + kChunk, size);
      const std::uint64_t taken = free + static_cast<std::uint64_t>(to - from);
      if (!b.free.compare_exchange_weak(free, taken, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      for (int i = from; i < to; ++i) {
        Way& way = b.ways[static_cast<std::size_t>(i)];
        if (way.status == DescentStatus::kNew) look_at(way, position);
      }
      if (b.left.fetch_sub(to - from, std::memory_order_acq_rel) == to - from) b.left.notify_one();
      free = taken;
    }
  }

  void look_at(Way& way, Position& position) {
    for (const Move move : way.moves) position.play(move);
    Moves moves;
    way.known = search_.look(position, moves);
    if (way.known.proof == Proof::kNone) {
      const float prior = 1.0F / static_cast<float>(moves.size());
      way.edges.resize(static_cast<std::size_t>(moves.size()));
      std::transform(moves.begin(), moves.end(), way.edges.begin(), [prior](Move move) { return Edge(move, prior); });
      way.side = position.turn();
      way.value = value_(position, way.number);
    }
    for (std::size_t i = 0; i < way.moves.size(); ++i) position.undo();
  }

  // Waits awake for as long as a block takes, then asleep.
  template <class T, class Waiting>
  static void wait_while(const std::atomic<T>& counter, Waiting&& waiting) {
    T seen = counter.load(std::memory_order_acquire);
    for (int i = 0; waiting(seen) && i < kPatience; ++i) {
      std::this_thread::yield();
      seen = counter.load(std::memory_order_acquire);
    }
    while (waiting(seen)) {
      counter.wait(seen, std::memory_order_acquire);
      seen = counter.load(std::memory_order_acquire);
    }
  }

  [[nodiscard]] SearchTree& tree() { return search_.tree(); }

  Search<G>& search_;
  Value value_;
  Position position_;  // the tree's thread's own
  std::array<Block, 2> blocks_;
  std::vector<Way*> under_way_;
  std::vector<Way*> last_under_way_;
  std::uint64_t leaves_ = 0;
  std::uint64_t collisions_ = 0;
  alignas(64) std::atomic<std::uint32_t> published_{0};  // rounds whose blocks are filled
  std::vector<std::thread> workers_;
};

}  // namespace az
