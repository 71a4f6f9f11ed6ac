// Forsyth-Edwards notation: X-FEN and Shredder-FEN castling, boards of any Size. A placement that no rule covers is
// refused. What programs write carelessly is read as Stockfish and python-chess read it: fields that are missing have
// their usual values, castling rights and en passant squares that the placement does not bear out are dropped.
#pragma once

#include <array>
#include <cctype>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "games/chess/board.h"

namespace az::chess {

inline constexpr std::string_view kLetters = "pnbrqk";

inline std::string square_text(int square) {
  return {static_cast<char>('a' + file_of(square)), static_cast<char>('1' + rank_of(square))};
}

template <int Size>
class FenReader {
 public:
  using G = Geometry<Size>;

  // `chess960`: kings and rooks with castling rights may stand on any file. Throws std::invalid_argument that names
  // the field.
  FenReader(std::string_view game, std::string_view text, bool chess960) : game_(game), chess960_(chess960) {
    std::istringstream in{std::string(text)};
    std::vector<std::string> fields;
    for (std::string word; in >> word;) fields.push_back(word);
    if (fields.empty() || fields.size() > 6)
      fail("FEN", "1 to 6 fields (placement, side, castling, en passant, halfmove clock, move number)",
           std::to_string(fields.size()) + " in '" + std::string(text) + "'");
    constexpr std::array<std::string_view, 3> kUsual{"w", "-", "-"};
    while (fields.size() < 4) fields.emplace_back(kUsual[fields.size() - 1]);
    board_.piece.fill(kNoPiece);
    placement(fields[0]);
    if (fields[1] != "w" && fields[1] != "b") fail("side to move", "w or b", "'" + fields[1] + "'");
    board_.turn = fields[1] == "w" ? kWhite : kBlack;
    if (board_.turn == kBlack) board_.key ^= kZobrist.black_to_move;
    if (board_.attacked(board_.king(1 - board_.turn), board_.turn, board_.occupied()))
      fail("placement", "no check against the side that just moved", "'" + fields[0] + "' with '" + fields[1] + "'");
    castling(fields[2]);
    board_.find_checks();
    en_passant(fields[3]);
    if (fields.size() > 4) board_.halfmoves = number("halfmove clock", fields[4], 0);
    if (fields.size() > 5) board_.move_number = std::max<std::uint16_t>(number("move number", fields[5], 0), 1);
  }
  [[nodiscard]] const Board<Size>& board() const { return board_; }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& wanted, const std::string& got) const {
    throw std::invalid_argument(std::string(game_) + ": " + field + ": expected " + wanted + ", got " + got);
  }

  void placement(const std::string& text) {
    const auto bad = [&](const std::string& wanted) { fail("placement", wanted, "'" + text + "'"); };
    int rank = Size - 1;
    int file = 0;
    const std::string ranks = std::to_string(Size) + " ranks of " + std::to_string(Size) + " squares";
    for (const char c : text) {
      if (c == '/') {
        if (file != Size || rank == 0) bad(ranks);
        --rank;
        file = 0;
        continue;
      }
      if (c >= '1' && c <= '0' + Size) {
        file += c - '0';
        if (file > Size) bad(ranks);
        continue;
      }
      const auto type = kLetters.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
      if (type == std::string_view::npos) bad("pieces " + std::string(kLetters) + " in either case, digits and /");
      if (file >= Size) bad(ranks);
      const int side = std::isupper(static_cast<unsigned char>(c)) != 0 ? kWhite : kBlack;
      board_.put(side, static_cast<Piece>(type), 8 * rank + file++);
    }
    if (rank != 0 || file != Size) bad(ranks);
    for (const int side : {kWhite, kBlack}) {
      const std::string who = side == kWhite ? "White" : "Black";
      if (std::popcount(board_.of(side, kKing)) != 1) bad("exactly one king for " + who);
      if (std::popcount(board_.of(side, kPawn)) > Size) bad("at most " + std::to_string(Size) + " pawns for " + who);
      if (std::popcount(board_.colour[at(side)]) > 2 * Size)
        bad("at most " + std::to_string(2 * Size) + " pieces for " + who);
    }
    if (board_.type[kPawn] & (G::rank(0) | G::rank(Size - 1))) bad("no pawn on the first or the last rank");
  }

  // KQkq name the outermost rook on the king's side; letters of files (Shredder-FEN) name the rook itself. A right
  // without king or rook at home is none.
  void castling(const std::string& text) {
    if (text == "-") return;
    const auto bad = [&](const std::string& wanted) { fail("castling", wanted, "'" + text + "'"); };
    for (const char c : text) {
      const int side = std::isupper(static_cast<unsigned char>(c)) != 0 ? kWhite : kBlack;
      const int home = side == kWhite ? 0 : 8 * (Size - 1);
      const char letter = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      const int king = board_.king(side);
      const Bitboard rooks = board_.of(side, kRook) & G::rank(side == kWhite ? 0 : Size - 1);
      int rook = -1;
      if (letter == 'K' || letter == 'Q') {
        for_each(rooks, [&](int square) {
          if (letter == 'K' && square > king) rook = square;  // the last one is the outermost
          if (letter == 'Q' && square < king && rook < 0) rook = square;
        });
      } else if (letter >= 'A' && letter <= 'H') {
        if (rooks & bit(home + letter - 'A')) rook = home + letter - 'A';
      } else {
        bad("letters of KQkq, of files A-H and a-h, or -");
      }
      if (Size != 8 || (king & 56) != home || rook < 0) continue;
      const bool usual = file_of(king) == 4 && (file_of(rook) == 0 || file_of(rook) == 7);
      if (!chess960_ && !usual) {
        if (letter == 'K' || letter == 'Q') continue;
        bad(std::string("king on e, rook on a or h for '") + c + "' (or the option chess960)");  // Chess960 is meant
      }
      const Bitboard same_side =
          board_.castling & G::rank(rank_of(home)) & (rook > king ? ~Bitboard{0} << king : bit(king) - 1);
      if (same_side) continue;  // the same right twice
      board_.castling |= bit(rook);
      board_.key ^= kZobrist.castling[at(rook)];
    }
  }

  // Kept only where a capture is legal: that is what the repetition rule compares, and what text() writes.
  void en_passant(const std::string& text) {
    if (text == "-") return;
    if (text.size() != 2 || !G::inside(text[0] - 'a', text[1] - '1'))
      fail("en passant", "- or a square that a pawn has just passed over, such as e3", "'" + text + "'");
    const int rank = board_.turn == kWhite ? 5 : 2;
    if (Size != 8 || text[1] != '1' + rank) return;  // no pawn passes there
    const int target = 8 * rank + text[0] - 'a';
    const int pawn = board_.turn == kWhite ? target - 8 : target + 8;
    const int origin = board_.turn == kWhite ? target + 8 : target - 8;
    if (!(board_.of(1 - board_.turn, kPawn) & bit(pawn)) || (board_.occupied() & (bit(target) | bit(origin)))) return;
    board_.en_passant = board_.en_passant_after(pawn);
    if (board_.en_passant != kNoSquare) board_.key ^= kZobrist.en_passant[at(file_of(target))];
  }

  [[nodiscard]] std::uint16_t number(const std::string& field, const std::string& text, int low) const {
    const bool digits = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
    const int n = digits ? std::atoi(text.c_str()) : -1;
    if (n < low || n > 30000) fail(field, "a number in " + std::to_string(low) + "..30000", "'" + text + "'");
    return static_cast<std::uint16_t>(n);
  }

  std::string_view game_;
  bool chess960_;
  Board<Size> board_;
};

// The position as FEN; castling as X-FEN has it: KQkq, or the rook's file where another rook stands farther out.
template <int Size>
std::string to_fen(const Board<Size>& b) {
  using G = Geometry<Size>;
  std::string out;
  for (int rank = Size - 1; rank >= 0; --rank) {
    int gap = 0;
    for (int file = 0; file < Size; ++file) {
      const int square = 8 * rank + file;
      const std::uint8_t type = b.piece[at(square)];
      if (type == kNoPiece) {
        ++gap;
        continue;
      }
      if (gap > 0) out += std::to_string(std::exchange(gap, 0));
      const char letter = kLetters[type];
      out += b.colour[kWhite] & bit(square) ? static_cast<char>(std::toupper(letter)) : letter;
    }
    if (gap > 0) out += std::to_string(gap);
    if (rank > 0) out += '/';
  }
  out += b.turn == kWhite ? " w " : " b ";
  const std::size_t before = out.size();
  for (const int side : {kWhite, kBlack}) {
    const int king = b.king(side);
    const Bitboard home = G::rank(side == kWhite ? 0 : Size - 1);
    const Bitboard rooks = b.of(side, kRook) & home;
    const auto write = [&](char letter) { out += side == kWhite ? static_cast<char>(std::toupper(letter)) : letter; };
    const Bitboard rights = b.castling & home;
    for_each(rights & (~Bitboard{0} << king), [&](int rook) {
      write(rooks & (~Bitboard{0} << rook) & ~bit(rook) ? static_cast<char>('a' + file_of(rook)) : 'k');
    });
    for_each(rights & (bit(king) - 1),
             [&](int rook) { write(rooks & (bit(rook) - 1) ? static_cast<char>('a' + file_of(rook)) : 'q'); });
  }
  if (out.size() == before) out += '-';
  out += ' ';
  out += b.en_passant == kNoSquare ? "-" : square_text(b.en_passant);
  return out + ' ' + std::to_string(b.halfmoves) + ' ' + std::to_string(b.move_number);
}

}  // namespace az::chess
