// SFEN, shogi's position text, with every field checked. Pieces that can never move, doubled pawns and a side without a
// king, which no game reaches but problem makers write, are accepted: the rules are well defined for them. A king that
// could be taken is accepted in shogi, as cshogi has it (it is a legal capture), and refused in minishogi.
#pragma once

#include <cctype>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "games/shogi/board.h"

namespace az::shogi {

inline constexpr std::string_view kLetters = "PLNSBRGK";  // by unpromoted piece
inline constexpr std::array<int, kHandPieces> kHandOrder{kRook, kBishop, kGold, kSilver, kKnight, kLance, kPawn};

// How many of each piece there are in the game, pawn .. king.
template <int Size>
constexpr std::array<int, 8> piece_counts() {
  if constexpr (Size == 9) return {18, 4, 4, 4, 2, 2, 4, 2};
  return {2, 0, 0, 2, 2, 2, 2, 2};
}

template <int Size>
std::string square_text(int square) {
  using G = Geometry<Size>;
  return {static_cast<char>('1' + G::file_of(square)), static_cast<char>('a' + G::rank_of(square))};
}

template <int Size>
class SfenReader {
 public:
  using G = Geometry<Size>;

  // Throws std::invalid_argument that names the field.
  SfenReader(std::string_view game, std::string_view text) : game_(game) {
    std::istringstream in{std::string(text)};
    std::vector<std::string> fields;
    for (std::string word; in >> word;) fields.push_back(word);
    if (!fields.empty() && fields[0] == "sfen") fields.erase(fields.begin());
    if (fields.size() < 3 || fields.size() > 4)
      fail("SFEN", "3 or 4 fields (placement, side, hands, move number)",
           std::to_string(fields.size()) + " in '" + std::string(text) + "'");
    board_.piece.fill(kNoPiece);
    placement(fields[0]);
    if (fields[1] != "b" && fields[1] != "w") fail("side to move", "b or w", "'" + fields[1] + "'");
    board_.turn = fields[1] == "b" ? kSente : kGote;
    if (board_.turn == kGote) board_.key ^= kZobrist.gote_to_move;
    hands(fields[2]);
    if (fields.size() == 4) {
      const std::string& n = fields[3];
      const bool digits = n.size() <= 5 && n.find_first_not_of("0123456789") == std::string::npos;
      const int number = digits ? std::atoi(n.c_str()) : 0;
      if (!digits || number > 30000) fail("move number", "a number in 0..30000", "'" + n + "'");
      board_.move_number = static_cast<std::uint16_t>(std::max(number, 1));  // 0, as problem collections write, is 1
    }
    if constexpr (Size != 9) {
      Board<Size> before = board_;
      before.turn = static_cast<std::uint8_t>(1 - board_.turn);
      before.find_checks();
      if (before.checkers.any())
        fail("placement", "no king that can be taken, but the side that just moved is in check",
             "'" + fields[0] + "' with '" + fields[1] + "'");
    }
    board_.find_checks();
  }
  [[nodiscard]] const Board<Size>& board() const { return board_; }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& wanted, const std::string& got) const {
    throw std::invalid_argument(std::string(game_) + ": " + field + ": expected " + wanted + ", got " + got);
  }
  static int piece_of(char letter) {
    const auto found = kLetters.find(static_cast<char>(std::toupper(static_cast<unsigned char>(letter))));
    return found == std::string_view::npos ? kNoPiece : static_cast<int>(found);
  }

  void placement(const std::string& text) {
    const auto bad = [&](const std::string& wanted) { fail("placement", wanted, "'" + text + "'"); };
    const std::string ranks = std::to_string(Size) + " ranks of " + std::to_string(Size) + " squares";
    int rank = 0;
    int column = 0;  // from the left: file Size - 1 first
    bool plus = false;
    for (const char c : text) {
      if (plus && !std::isalpha(static_cast<unsigned char>(c))) bad("a piece after +");
      if (c == '/') {
        if (column != Size || rank == Size - 1) bad(ranks);
        ++rank;
        column = 0;
      } else if (c == '+') {
        plus = true;
      } else if (c >= '1' && c <= '0' + Size) {
        column += c - '0';
        if (column > Size) bad(ranks);
      } else {
        const int t = piece_of(c);
        if (t == kNoPiece || piece_counts<Size>()[at(t)] == 0)
          bad("pieces of this game in either case, +, digits and /");
        if (plus && !promotes(t)) bad("no + before a gold or a king");
        if (column >= Size) bad(ranks);
        const int who = std::isupper(static_cast<unsigned char>(c)) != 0 ? kSente : kGote;
        const int square = G::square(Size - 1 - column, rank);
        board_.put(who, plus ? t + kPromoted : t, square);
        ++count_[at(t)];
        plus = false;
        ++column;
      }
    }
    if (rank != Size - 1 || column != Size || plus) bad(ranks);
    for (const int who : {kSente, kGote})
      if (board_.of(who, kKing).many()) bad(std::string("one king for ") + (who == kSente ? "Sente" : "Gote"));
    if (!board_.type[kKing].any()) bad("a king (problems may leave out one side's, not both)");
    check_counts("placement", text);
  }

  // In any order; what stands twice is added up.
  void hands(const std::string& text) {
    if (text == "-") return;
    int number = 0;
    for (const char c : text) {
      if (std::isdigit(static_cast<unsigned char>(c))) {
        number = 10 * number + c - '0';
        if (number == 0 || number > 18) fail("hands", "numbers in 2..18 before pieces", "'" + text + "'");
        continue;
      }
      const int t = piece_of(c);
      const int who = std::isupper(static_cast<unsigned char>(c)) != 0 ? kSente : kGote;
      if (t >= kHandPieces || piece_counts<Size>()[at(t)] == 0)
        fail("hands", "- or pieces with their numbers, such as 2Pb", "'" + text + "'");
      const int n = number == 0 ? 1 : number;
      count_[at(t)] += n;
      check_counts("hands", text);
      board_.set_hand(who, t, board_.hand[at(who)][at(t)] + n);
      number = 0;
    }
    if (number != 0) fail("hands", "a piece after the number", "'" + text + "'");
  }

  void check_counts(const std::string& field, const std::string& text) const {
    for (int t = kPawn; t <= kKing; ++t) {
      const int most = piece_counts<Size>()[at(t)];
      if (count_[at(t)] > most)
        fail(field, "at most " + std::to_string(most) + " of " + kLetters[at(t)] + " on the board and in hand",
             "'" + text + "'");
    }
  }

  std::string_view game_;
  Board<Size> board_;
  std::array<int, 8> count_{};
};

inline std::string piece_text(int piece, int who) {
  const char letter = kLetters[at(unpromoted(piece))];
  return std::string(piece >= kPromoted ? "+" : "") +
         (who == kSente ? letter : static_cast<char>(std::tolower(static_cast<unsigned char>(letter))));
}

// The pieces in hand as SFEN has them: both sides', rooks first; "-" for none.
template <int Size>
std::string hands_text(const Board<Size>& b) {
  std::string out;
  for (const int who : {kSente, kGote}) {
    for (const int t : kHandOrder) {
      const int n = b.hand[at(who)][at(t)];
      if (n > 1) out += std::to_string(n);
      if (n > 0) out += piece_text(t, who);
    }
  }
  return out.empty() ? "-" : out;
}

template <int Size>
std::string to_sfen(const Board<Size>& b) {
  using G = Geometry<Size>;
  std::string out;
  for (int rank = 0; rank < Size; ++rank) {
    int gap = 0;
    for (int file = Size - 1; file >= 0; --file) {
      const int square = G::square(file, rank);
      const int piece = b.piece[at(square)];
      if (piece == kNoPiece) {
        ++gap;
        continue;
      }
      if (gap > 0) out += std::to_string(std::exchange(gap, 0));
      out += piece_text(piece, b.side[kSente].has(square) ? kSente : kGote);
    }
    if (gap > 0) out += std::to_string(gap);
    if (rank < Size - 1) out += '/';
  }
  out += b.turn == kSente ? " b " : " w ";
  return out + hands_text(b) + ' ' + std::to_string(b.move_number);
}

}  // namespace az::shogi
