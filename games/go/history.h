// The boards a game went through, for superko, filed by how many stones of each colour they hold.
//
// A move changes those two numbers in a known way, so it can only repeat a board of one file, and that file is short:
// walking it answers for all moves of a kind at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "games/game.h"
#include "games/go/board.h"

namespace az::go {

class History {
 public:
  void push(const Situation& s) {
    std::uint32_t& newest = newest_[file(s.count)];
    entries_.push_back({s.key, newest});
    newest = static_cast<std::uint32_t>(entries_.size());
  }
  // Takes the newest board out, which is `s`.
  void pop(const Situation& s) {
    newest_[file(s.count)] = entries_.back().older;
    entries_.pop_back();
  }
  // Calls `visit` with the key of each board in the file of these numbers of stones: those that hold as many, and
  // perhaps some others.
  template <class Visit>
  void for_each(const std::array<std::uint16_t, 2>& count, Visit&& visit) const {
    for (std::uint32_t i = newest_[file(count)]; i != 0; i = entries_[i - 1].older) visit(entries_[i - 1].key);
  }
  [[nodiscard]] bool contains(const Situation& s) const {
    bool found = false;
    for_each(s.count, [&](Key key) { found |= key == s.key; });
    return found;
  }

 private:
  struct Entry {
    Key key;
    std::uint32_t older;  // of the same file: its index + 1, 0 for none
  };
  // Neighbouring numbers get files of their own: 16 in a row by black, a multiple of 16 apart by white.
  static std::size_t file(const std::array<std::uint16_t, 2>& count) {
    return (count[0] + std::size_t{16} * count[1]) % 256;
  }

  std::array<std::uint32_t, 256> newest_{};  // by file: the newest entry's index + 1, 0 for none
  std::vector<Entry> entries_;
};

}  // namespace az::go
