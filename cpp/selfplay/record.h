// A finished game as it is kept: moves, search results and the outcome; never planes. Bytes are little-endian.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "games/game.h"

namespace az {

// Where a move came from, which decides what can be learned from its position.
enum class PlyKind : std::uint8_t {
  kOpening = 0,  // random or given: nothing was searched
  kForced = 1,   // the only legal move: nothing was searched
  kFast = 2,     // a short search: value known, not a policy target
  kFull = 3,     // a full search: its policy is a target
};

struct PolicyEntry {
  Move move = kNoMove;
  std::uint16_t weight = 0;  // probability * 65535
};

struct PlyRecord {
  Move move = kNoMove;
  PlyKind kind = PlyKind::kOpening;
  std::uint32_t simulations = 0;
  float root_value = 0.0F;          // the search's value for the side to move, in [-1, 1]
  float surprise = 0.0F;            // KL(policy target || network prior), nats
  std::vector<PolicyEntry> policy;  // moves of weight > 0
};

struct GameRecord {
  std::uint64_t number = 0;  // of the game within its pool
  std::uint32_t first = 0;   // players by index within their pool
  std::uint32_t second = 0;
  std::uint64_t version = 0;  // of the weights when the game began (the trainer's step)
  std::string start;          // text of the start position; empty: the game's own
  int value = 0;              // for the first player
  bool has_score = false;
  float score = 0.0F;  // the first player's margin
  std::string reason;
  bool to_the_end = false;  // nobody could resign in it: what it says of resignations is not biased
  // How many games it stands for in what only played-out games teach: more than one where a side would have resigned
  // and was kept from it, as such games are mostly resigned.
  float stands_for = 1.0F;
  std::vector<PlyRecord> plies;
};

namespace wire {

inline constexpr std::size_t kLongestText = 0xffff;

class Writer {
 public:
  template <class T>
  void put(T x) {
    bytes.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  void text(const std::string& s) {
    if (s.size() > kLongestText) throw std::invalid_argument("game record: a text of more than 65535 characters");
    put(static_cast<std::uint16_t>(s.size()));
    bytes += s;
  }
  std::string bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  T get() {
    T x;
    std::memcpy(&x, take(sizeof x).data(), sizeof x);
    return x;
  }
  // How many things follow that take `least` bytes each at least.
  template <class T>
  std::size_t count(std::size_t least) {
    const std::size_t n = get<T>();
    if (n > rest_.size() / least) throw std::invalid_argument("game record: cut short");
    return n;
  }
  std::string text() { return std::string(take(get<std::uint16_t>())); }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t n) {
    if (rest_.size() < n) throw std::invalid_argument("game record: cut short");
    const std::string_view head = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return head;
  }
  std::string_view rest_;
};

}  // namespace wire

inline constexpr std::uint8_t kRecordFormat = 3;   // 1 had no to_the_end, 2 no stands_for
inline constexpr std::size_t kLeastPlyBytes = 17;  // a ply without a policy
inline constexpr std::size_t kEntryBytes = 4;      // a move of a policy
inline constexpr std::size_t kMostPlies = 0xffff;  // the sampler counts in 16 bits
inline constexpr float kMostStandsFor = 1e6F;
// Values are in [-1, 1]; networks that compute in few bits miss that by a little.
inline constexpr float kMostValue = 1.05F;

inline std::string serialize(const GameRecord& g) {
  wire::Writer out;
  out.put(kRecordFormat);
  out.put(g.number);
  out.put(g.first);
  out.put(g.second);
  out.put(g.version);
  out.text(g.start);
  out.put(static_cast<std::int8_t>(g.value));
  out.put(static_cast<std::uint8_t>(g.has_score));
  out.put(g.score);
  out.text(g.reason);
  out.put(static_cast<std::uint8_t>(g.to_the_end));
  out.put(g.stands_for);
  out.put(static_cast<std::uint32_t>(g.plies.size()));
  for (const PlyRecord& p : g.plies) {
    out.put(p.move);
    out.put(static_cast<std::uint8_t>(p.kind));
    out.put(p.simulations);
    out.put(p.root_value);
    out.put(p.surprise);
    out.put(static_cast<std::uint16_t>(p.policy.size()));
    for (const PolicyEntry& e : p.policy) {
      out.put(e.move);
      out.put(e.weight);
    }
  }
  return std::move(out.bytes);
}

// Throws std::invalid_argument where the bytes are no record.
inline GameRecord deserialize(std::string_view bytes) {
  wire::Reader in(bytes);
  const auto format = in.get<std::uint8_t>();
  if (format < 1 || format > kRecordFormat)
    throw std::invalid_argument("game record: unknown format " + std::to_string(format));
  GameRecord g;
  g.number = in.get<std::uint64_t>();
  g.first = in.get<std::uint32_t>();
  g.second = in.get<std::uint32_t>();
  g.version = in.get<std::uint64_t>();
  g.start = in.text();
  g.value = in.get<std::int8_t>();
  g.has_score = in.get<std::uint8_t>() != 0;
  g.score = in.get<float>();
  g.reason = in.text();
  g.to_the_end = format >= 2 && in.get<std::uint8_t>() != 0;
  if (format >= 3) g.stands_for = in.get<float>();
  const std::size_t plies = in.count<std::uint32_t>(kLeastPlyBytes);
  if (plies > kMostPlies) throw std::invalid_argument("game record: more than 65535 plies");
  if (g.value < -1 || g.value > 1 || !std::isfinite(g.score) ||
      !(g.stands_for >= 1.0F && g.stands_for <= kMostStandsFor))
    throw std::invalid_argument("game record: its result is none");
  g.plies.resize(plies);
  for (PlyRecord& p : g.plies) {
    p.move = in.get<Move>();
    p.kind = static_cast<PlyKind>(in.get<std::uint8_t>());
    p.simulations = in.get<std::uint32_t>();
    p.root_value = in.get<float>();
    p.surprise = in.get<float>();
    if (p.kind > PlyKind::kFull) throw std::invalid_argument("game record: unknown kind of ply");
    if (!(std::abs(p.root_value) <= kMostValue) || !std::isfinite(p.surprise))
      throw std::invalid_argument("game record: a value that is none");
    p.policy.resize(in.count<std::uint16_t>(kEntryBytes));
    for (PolicyEntry& e : p.policy) {
      e.move = in.get<Move>();
      e.weight = in.get<std::uint16_t>();
    }
  }
  if (!in.done()) throw std::invalid_argument("game record: bytes left over");
  return g;
}

}  // namespace az
