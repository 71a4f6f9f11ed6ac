// The search tree's memory: three flat arrays, 32-bit indices, statistics only for moves that were tried.
//
// A node with L legal moves owns L edges of 4 bytes. Tried moves come first: edge i < child_count is the move of child
// i, whose statistics stand in the node's block of Child records. So a leaf costs 24 + 4 L bytes, a tried move 16 more,
// and choosing a move reads two contiguous runs of memory.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

#include "cpp/search/huge_array.h"
#include "games/game.h"

namespace az {

// A move and its prior in four bytes. The prior is a float with 5 exponent and 11 mantissa bits (2^-31 .. 1, relative
// error 2^-12); it stands above the inverted move, so that the greatest word is the greatest prior and, among equals,
// the lowest move.
class Edge {
 public:
  Edge() = default;
  Edge(Move move, float prior) : word_(static_cast<std::uint32_t>(encode(prior)) << 16 | (0xffffU ^ move)) {}

  [[nodiscard]] Move move() const { return static_cast<Move>(0xffffU ^ (word_ & 0xffffU)); }
  [[nodiscard]] float prior() const { return decode(static_cast<std::uint16_t>(word_ >> 16)); }
  [[nodiscard]] std::uint32_t word() const { return word_; }
  void set_prior(float prior) { word_ = static_cast<std::uint32_t>(encode(prior)) << 16 | (word_ & 0xffffU); }

 private:
  static constexpr std::uint32_t kBias = 96U << 11;  // exponents 96..127 of a binary32 number
  static std::uint16_t encode(float p) {
    const std::uint32_t rounded = (std::bit_cast<std::uint32_t>(p) + 0x800U) >> 12;
    return static_cast<std::uint16_t>(rounded > kBias ? std::min(rounded - kBias, 0xffffU) : 0U);
  }
  static float decode(std::uint16_t bits) { return std::bit_cast<float>((bits + kBias) << 12); }

  std::uint32_t word_ = 0;
};

// What is proven of a position or a move, for the side named by its owner.
enum class Proof : std::uint8_t { kNone, kWin, kDraw, kLoss };
constexpr Proof opposite(Proof p) { return p == Proof::kWin ? Proof::kLoss : p == Proof::kLoss ? Proof::kWin : p; }
constexpr float exact_value(Proof p) { return p == Proof::kWin ? 1.0F : p == Proof::kLoss ? -1.0F : 0.0F; }

inline constexpr std::uint32_t kNoNode = 0xffffffff;

// Statistics of a tried move, seen by the side that chose it.
struct Child {
  std::uint32_t visits = 0;  // N: finished simulations through this move
  float q = 0.0F;            // Q: their mean value, or the exact one once proven
  std::uint32_t node = kNoNode;
  std::uint16_t in_flight = 0;  // simulations under way through this move
  Proof proof = Proof::kNone;
  std::uint8_t proof_plies = 0;  // length of the line that proves it, saturating
};

// What the rules know of a position: its proof, for the first player, and the proof's length.
struct Known {
  Proof proof = Proof::kNone;
  int plies = 0;
};

struct Node {
  std::uint32_t edges = 0;
  std::uint32_t children = 0;
  std::uint16_t edge_count = 0;
  std::uint16_t child_count = 0;
  float value = 0.0F;                // the evaluator's value, for the side to move
  std::uint16_t child_capacity = 0;  // 0 or a power of two
  bool pending = true;               // its evaluation is under way
  std::uint8_t best_first : 1 = 0;   // edges[child_count] is the untried move of greatest prior
  std::uint8_t side : 1 = 0;         // who is to move: 0 the first player, 1 the other
};

class Tree {
 public:
  void clear() {
    nodes_.clear();
    edges_.clear();
    children_.clear();
    for (std::uint32_t& block : free_) block = kNoNode;
  }

  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  [[nodiscard]] std::size_t bytes() const {
    return nodes_.size() * sizeof(Node) + edges_.size() * sizeof(Edge) + children_.size() * sizeof(Child);
  }

  [[nodiscard]] Node& node(std::uint32_t i) { return nodes_[i]; }
  [[nodiscard]] const Node& node(std::uint32_t i) const { return nodes_[i]; }
  [[nodiscard]] Edge* edges(const Node& n) { return edges_.data() + n.edges; }
  [[nodiscard]] const Edge* edges(const Node& n) const { return edges_.data() + n.edges; }
  [[nodiscard]] Child* children(const Node& n) { return children_.data() + n.children; }
  [[nodiscard]] const Child* children(const Node& n) const { return children_.data() + n.children; }

  // Asks for memory ahead of its use. Of long lists only the beginning: the processor follows a run by itself.
  void prefetch_node(std::uint32_t i) const { __builtin_prefetch(&nodes_[i]); }
  void prefetch_moves(std::uint32_t i) const {
    constexpr int kLine = 64;
    const Node& n = nodes_[i];
    const auto ask = [](const auto* first, int count) {
      const auto* const begin = reinterpret_cast<const char*>(first);
      const auto bytes = std::min(count * static_cast<int>(sizeof(*first)), 8 * kLine);
      for (int at = 0; at < bytes; at += kLine) __builtin_prefetch(begin + at);
    };
    ask(edges(n), n.edge_count);
    ask(children(n), n.child_count);
  }

  // A new node with these moves of `side`; their priors come with its evaluation.
  template <class Moves>
  std::uint32_t add_node(const Moves& moves, int side) {
    Node n;
    n.side = side != 0;
    n.edges = static_cast<std::uint32_t>(edges_.size());
    n.edge_count = static_cast<std::uint16_t>(moves.size());
    std::transform(moves.begin(), moves.end(), edges_.extend(n.edge_count), [](Move move) { return Edge(move, 0.0F); });
    *nodes_.extend(1) = n;
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  // A new node with its evaluation.
  std::uint32_t add_node(std::span<const Edge> moves, int side, float value) {
    Node n;
    n.side = side != 0;
    n.edges = static_cast<std::uint32_t>(edges_.size());
    n.edge_count = static_cast<std::uint16_t>(moves.size());
    n.value = value;
    n.pending = false;
    std::copy(moves.begin(), moves.end(), edges_.extend(n.edge_count));
    *nodes_.extend(1) = n;
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  // Brings the untried move of greatest prior (the lowest move among equals) to edges[child_count].
  void best_untried_first(Node& n) {
    if (n.best_first) return;
    Edge* const all = edges(n);
    std::uint32_t best = 0;
    for (int i = n.child_count; i < n.edge_count; ++i) best = std::max(best, all[i].word());
    int at = n.child_count;
    while (all[at].word() != best) ++at;
    std::swap(all[n.child_count], all[at]);
    n.best_first = true;
  }

  // Makes the move at edges[child_count] a tried one; returns its slot. May move the node's Child block.
  int add_child(Node& n) {
    if (n.child_count == n.child_capacity) grow(n);
    children(n)[n.child_count] = Child{};
    n.best_first = false;
    return n.child_count++;
  }
  // The same for the untried edge at `index`.
  int add_child(Node& n, int index) {
    std::swap(edges(n)[n.child_count], edges(n)[index]);
    return add_child(n);
  }

  // Copies the subtree under `root` of `from` into this tree, which is cleared; its root becomes node 0.
  void copy_subtree(const Tree& from, std::uint32_t root) {
    clear();
    copy_node(from, root);
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {  // breadth first: copies are appended while we walk
      for (int slot = 0; slot < nodes_[i].child_count; ++slot) {
        const std::uint32_t old = children(nodes_[i])[slot].node;
        if (old == kNoNode) continue;
        const auto copied = static_cast<std::uint32_t>(nodes_.size());
        copy_node(from, old);
        children(nodes_[i])[slot].node = copied;
      }
    }
  }

 private:
  void grow(Node& n) {
    const int size =
        std::bit_width(static_cast<unsigned>(n.child_capacity));  // size class: 0 -> 1, 1 -> 2, 2 -> 4, ...
    const std::uint32_t fresh = take_block(size);
    if (n.child_capacity > 0) {
      std::copy_n(children_.data() + n.children, n.child_count, children_.data() + fresh);
      children_[n.children].node = free_[size - 1];
      free_[size - 1] = n.children;
    }
    n.children = fresh;
    n.child_capacity = static_cast<std::uint16_t>(1U << size);
  }
  std::uint32_t take_block(int size) {
    if (free_[size] != kNoNode) {
      const std::uint32_t block = free_[size];
      free_[size] = children_[block].node;
      return block;
    }
    const auto block = static_cast<std::uint32_t>(children_.size());
    children_.extend(std::size_t{1} << size);
    return block;
  }
  void copy_node(const Tree& from, std::uint32_t index) {
    Node n = from.nodes_[index];
    const Edge* const edges = from.edges(n);
    const Child* const kids = from.children(n);
    n.edges = static_cast<std::uint32_t>(edges_.size());
    std::copy_n(edges, n.edge_count, edges_.extend(n.edge_count));
    n.children = static_cast<std::uint32_t>(children_.size());
    std::copy_n(kids, n.child_count, children_.extend(n.child_capacity));
    *nodes_.extend(1) = n;
  }

  HugeArray<Node> nodes_;
  HugeArray<Edge> edges_;
  HugeArray<Child> children_;
  // Freed Child blocks by size class, chained through Child::node.
  std::uint32_t free_[16] = {kNoNode, kNoNode, kNoNode, kNoNode, kNoNode, kNoNode, kNoNode, kNoNode,
                             kNoNode, kNoNode, kNoNode, kNoNode, kNoNode, kNoNode, kNoNode, kNoNode};
};

}  // namespace az
