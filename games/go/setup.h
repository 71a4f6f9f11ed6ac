// Stones that are set up, as text: rows as in FEN, the top one first, "9/9/2X3O2/...". X is black, O white.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "games/go/board.h"

namespace az::go {

// The stones of a board of n x n, by cell. std::invalid_argument says which row is wrong.
inline std::vector<Stone> read_stones(const std::string& rows, int n) {
  const std::string board = std::to_string(n) + "x" + std::to_string(n) + " board";
  std::vector<Stone> stones(static_cast<std::size_t>(n * n), kEmpty);
  int row = 0;
  int column = 0;
  const auto refuse = [&row](const std::string& what) {
    throw std::invalid_argument("go: set-up: row " + std::to_string(row + 1) + " from the top" + what);
  };
  const auto digit = [&rows](std::size_t i) { return i < rows.size() && rows[i] >= '0' && rows[i] <= '9'; };
  for (std::size_t i = 0; i <= rows.size(); ++i) {
    const char c = i < rows.size() ? rows[i] : '/';
    if (c == '/') {
      if (column != n)
        refuse(" has " + std::to_string(column) + " points, not the " + std::to_string(n) + " of a " + board);
      ++row;
      column = 0;
      continue;
    }
    const auto stone = std::string_view(".XO.xo").find(c);
    int points = 1;
    if (c >= '1' && c <= '9') {
      points = c - '0';
      const int two_digits = digit(i + 1) ? 10 * points + (rows[i + 1] - '0') : n + 1;
      if (column + two_digits <= n) {
        points = two_digits;
        ++i;
      }
    } else if (stone == std::string_view::npos) {
      refuse(": '" + std::string(1, c) + "' is neither X (black), O (white), nor a number of empty points");
    }
    if (row >= n) throw std::invalid_argument("go: set-up: more rows than the " + std::to_string(n) + " of a " + board);
    if (column + points > n) refuse(" has more than the " + std::to_string(n) + " points of a " + board);
    if (stone != std::string_view::npos)
      stones[static_cast<std::size_t>(row * n + column)] = static_cast<Stone>(stone % 3);
    column += points;
  }
  if (row != n)
    throw std::invalid_argument("go: set-up: " + std::to_string(row) + " rows, not the " + std::to_string(n) +
                                " of a " + board);
  return stones;
}

// The same stones, written so that one board has one text.
inline std::string stones_text(const std::vector<Stone>& stones, int n) {
  std::string text;
  for (int cell = 0, empty = 0; cell < n * n; ++cell) {
    const Stone stone = stones[static_cast<std::size_t>(cell)];
    const bool row_ends = cell % n == n - 1;
    empty += stone == kEmpty;
    if (empty > 0 && (stone != kEmpty || row_ends)) text += std::to_string(std::exchange(empty, 0));
    if (stone != kEmpty) text += ".XO"[stone];
    if (row_ends && cell != n * n - 1) text += '/';
  }
  return text;
}

}  // namespace az::go
