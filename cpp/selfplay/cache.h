// Evaluations kept to be used again: by other games, and by a game's next searches.
//
// Gumbel searches begin with an empty tree, so a third and more of what they ask was answered a move ago. The cache is
// bounded: each shard is a ring of entries, the newest written over the oldest, and a table that says where in the ring
// an entry begins. An entry that was written over is recognised by its key: the ring's head runs over an entry's first
// words first.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "games/game.h"

namespace az {

class EvaluationCache {
 public:
  // About `bytes` of memory; `moves` is how many legal moves a position has at most, `typical` how many it has mostly;
  // `beside` is how many numbers are kept beside logits and value.
  EvaluationCache(std::size_t bytes, int moves, int typical, int beside = 0)
      : beside_(static_cast<std::size_t>(beside)) {
    const std::size_t entry = kHeader + beside_ + static_cast<std::size_t>(typical);  // in words
    const std::size_t words = bytes / kShards / sizeof(std::uint32_t);
    slots_ = std::bit_floor(std::max<std::size_t>(words / (entry + 1), 16));
    ring_ = std::max(words - std::min(words, slots_), 2 * (kHeader + beside_ + static_cast<std::size_t>(moves)));
    shards_ = std::make_unique<Shard[]>(kShards);
    for (std::size_t i = 0; i < kShards; ++i) {
      shards_[i].ring = zeros(ring_);
      shards_[i].slots = zeros(slots_);
    }
  }

  // Answers are kept apart by the weights that gave them; older ones are found no more.
  [[nodiscard]] std::uint32_t generation() const { return generation_.load(std::memory_order_acquire); }
  void clear() { generation_.fetch_add(1, std::memory_order_acq_rel); }

  // How many numbers an answer has beside logits and value.
  [[nodiscard]] std::size_t beside() const { return beside_; }

  // The logits of the legal moves, in legal order, and the value; false where they are not known. The numbers beside
  // them are appended to `beside`, where it is given.
  bool find(Key key, std::vector<float>& logits, float& value, std::vector<float>* beside = nullptr) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const std::uint32_t* const entry = shard.ring.get() + shard.slots[slot_of(key)];
    Header h;
    std::memcpy(&h, entry, sizeof h);
    if (h.key != key || h.generation != generation()) return false;
    logits.resize(h.count);
    std::memcpy(logits.data(), entry + kHeader, h.count * sizeof(float));
    value = h.value;
    if (beside != nullptr) {
      beside->resize(beside->size() + beside_);
      std::memcpy(beside->data() + beside->size() - beside_, entry + kHeader + h.count, beside_ * sizeof(float));
    }
    return true;
  }
  // Keeps an answer of the weights of `generation`; `beside` has as many numbers as beside() says.
  void put(Key key, std::uint32_t generation, const std::vector<float>& logits, float value,
           const float* beside = nullptr) {
    if (generation != this->generation()) return;
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const std::size_t size = kHeader + logits.size() + beside_;
    if (shard.head + size > ring_) shard.head = 0;
    const Header h{key, generation, static_cast<std::uint32_t>(logits.size()), value, 0};
    std::uint32_t* const entry = shard.ring.get() + shard.head;
    std::memcpy(entry, &h, sizeof h);
    std::memcpy(entry + kHeader, logits.data(), logits.size() * sizeof(float));
    if (beside_ > 0) std::memcpy(entry + kHeader + logits.size(), beside, beside_ * sizeof(float));
    shard.slots[slot_of(key)] = static_cast<std::uint32_t>(shard.head);
    shard.head += size;
  }

 private:
  static constexpr std::size_t kShards = 32;  // so that threads seldom meet at a lock
  struct Header {
    Key key;
    std::uint32_t generation;
    std::uint32_t count;
    float value;
    std::uint32_t unused;
  };
  static constexpr std::size_t kHeader = sizeof(Header) / sizeof(std::uint32_t);
  struct Free {
    void operator()(std::uint32_t* words) const { std::free(words); }
  };
  using Words = std::unique_ptr<std::uint32_t[], Free>;
  // The system gives out pages of zeros when they are first written to: an engine's first search waits for none, and an
  // evening's few answers take little of the memory.
  static Words zeros(std::size_t count) {
    Words words(static_cast<std::uint32_t*>(std::calloc(count, sizeof(std::uint32_t))));
    if (!words) throw std::bad_alloc();
    return words;
  }
  struct Shard {
    std::mutex mutex;
    Words ring;
    Words slots;  // where in the ring the newest entry of a slot begins
    std::size_t head = 0;
  };

  Shard& shard_of(Key key) { return shards_[static_cast<std::size_t>(key >> 59)]; }
  static_assert(kShards == 1U << (64 - 59));
  [[nodiscard]] std::size_t slot_of(Key key) const { return static_cast<std::size_t>(key) & (slots_ - 1); }

  std::size_t beside_;     // numbers of an answer beside logits and value
  std::size_t ring_ = 0;   // words of a shard's ring
  std::size_t slots_ = 0;  // of a shard, a power of two
  std::unique_ptr<Shard[]> shards_;
  std::atomic<std::uint32_t> generation_ = 1;  // the ring's zeros belong to none
};

}  // namespace az
