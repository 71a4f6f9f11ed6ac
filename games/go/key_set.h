// The positions a game went through, for superko: a hash set whose newest member can be taken out again.
#pragma once

#include <cstddef>
#include <vector>

#include "games/game.h"

namespace az::go {

// Open addressing with linear probing. The newest member ends its probe chain, so taking it out leaves no hole.
class KeySet {
 public:
  KeySet() : slots_(256, 0) {}

  [[nodiscard]] bool contains(Key key) const {
    for (std::size_t i = slot(key);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i] == (key | 1)) return true;
      if (slots_[i] == 0) return false;
    }
  }
  // Returns whether the key was new.
  bool insert(Key key) {
    if (contains(key)) return false;
    if (2 * (members_.size() + 1) > slots_.size()) {
      slots_.assign(2 * slots_.size(), 0);
      for (const Key each : members_) put(each);
    }
    members_.push_back(key);
    put(key);
    return true;
  }
  // Takes the newest member out.
  void pop() {
    const Key key = members_.back();
    members_.pop_back();
    std::size_t i = slot(key);
    while (slots_[i] != (key | 1)) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = 0;
  }

 private:
  // A slot holds its key with the lowest bit set, so that 0 means free.
  [[nodiscard]] std::size_t slot(Key key) const { return static_cast<std::size_t>(key >> 20) & (slots_.size() - 1); }
  void put(Key key) {
    std::size_t i = slot(key);
    while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = key | 1;
  }

  std::vector<Key> slots_;
  std::vector<Key> members_;
};

}  // namespace az::go
