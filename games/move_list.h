// A list of moves with its storage inside: no allocation while moves are generated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace az {

template <int Capacity>
class MoveList {
 public:
  void push(std::uint16_t move) { moves_[static_cast<std::size_t>(size_++)] = move; }
  void clear() { size_ = 0; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::uint16_t operator[](int i) const { return moves_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const std::uint16_t* begin() const { return moves_.data(); }
  [[nodiscard]] const std::uint16_t* end() const { return moves_.data() + size_; }

 private:
  int size_ = 0;
  std::array<std::uint16_t, static_cast<std::size_t>(Capacity)> moves_;  // only the first size_ are set
};

}  // namespace az
