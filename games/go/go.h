// Go: area scoring (Tromp-Taylor), positional, situational or simple ko, boards of 2 to 19. See README.md.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <span>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "games/go/board.h"
#include "games/go/history.h"
#include "games/go/setup.h"
#include "games/options.h"
#include "games/state_stack.h"

namespace az::go {

enum class Ko : std::uint8_t { kPositional, kSituational, kSimple };

struct Options {
  int board_size = 9;
  double komi = 7.0;
  Ko ko = Ko::kPositional;
  bool suicide = false;  // of two stones or more; a single stone's never
  int max_plies = 0;     // 0: no limit
};

inline constexpr double kMostKomi = 400.0;
inline constexpr int kHistory = 8;  // boards the network sees, as in AlphaGo Zero
// Bit planes after the 2 * kHistory of stones.
enum Plane { kOwnAtari = 2 * kHistory, kOtherAtari, kBarredByKo, kAfterPass, kOnBoard, kBitPlanes };
enum Scalar { kKomi, kWhiteToMove, kScalars };

template <int MaxSize>
struct Go {
  static constexpr std::string_view kName = "go";
  static constexpr int kMaxMoves = MaxSize * MaxSize + 1;
  using Options = go::Options;
  using Moves = MoveList<kMaxMoves>;
  using State = Board<MaxSize>;

  // Boards up to 9x9 and larger ones are two types: a small board is copied in a fraction of the time.
  static bool serves(int size) { return (size <= 9) == (MaxSize <= 9); }

  static std::optional<Options> parse_options(const OptionMap& map) {
    OptionReader read(kName, map);
    Options o;
    o.board_size = read.integer("board_size", 9, 2, 19);
    o.komi = read.number("komi", 7.0, -kMostKomi, kMostKomi);
    o.ko = static_cast<Ko>(read.choice("ko", 0, {"positional", "situational", "simple"}));
    o.suicide = read.boolean("suicide", false);
    o.max_plies = read.integer("max_plies", 0, 0, 60000);
    read.finish();
    if (!serves(o.board_size)) return std::nullopt;
    return o;
  }
  static OptionMap describe(const Options& o) {
    static constexpr const char* kNames[] = {"positional", "situational", "simple"};
    return {{"board_size", std::int64_t{o.board_size}},
            {"komi", o.komi},
            {"ko", std::string(kNames[static_cast<int>(o.ko)])},
            {"suicide", o.suicide},
            {"max_plies", std::int64_t{o.max_plies}}};
  }
  static Shape shape(const Options& o) {
    return {kBitPlanes, kScalars, o.board_size, o.board_size, o.board_size * o.board_size + 1, 8};
  }
  // Symmetry s: mirror columns if s & 1, rows if s & 2, then swap rows and columns if s & 4.
  static int map_cell(const Options& o, int symmetry, int cell) {
    const int n = o.board_size;
    int row = cell / n;
    int column = cell % n;
    if (symmetry & 1) column = n - 1 - column;
    if (symmetry & 2) row = n - 1 - row;
    if (symmetry & 4) std::swap(row, column);
    return row * n + column;
  }
  static int map_policy(const Options& o, int symmetry, int index) {
    return index == o.board_size * o.board_size ? index : map_cell(o, symmetry, index);
  }

  class Position {
   public:
    explicit Position(const Options& options) : options_(options), geometry_(&State::geometry(options.board_size)) {
      states_.top().clear(options.board_size);
      if (options_.ko != Ko::kSimple) history_.push(situation());
    }

    // `[komi=K] [ROWS b|w] [word ...]`, by spaces. `komi=5.5`: a komi other than the options'. ROWS: stones set up, top
    // row first, as in FEN: `9/9/2X3O2/...`, with the side to move after it; superko knows that board alone. A word is
    // a move, or a bare `b` or `w`: that side is to move from here on, as after a move out of turn, and nobody passed.
    static Position parse(const Options& options, std::string_view text) {
      Position position(options);
      std::istringstream in{std::string(text)};
      std::string word;
      bool first = true;  // but for komi
      for (int count = 0; in >> word; ++count) {
        if (count == 0 && word.starts_with(kKomiIs)) {
          position.set_komi(word);
          continue;
        }
        if (first && word.find('/') != std::string::npos) {
          position.set_up(word);
        } else if (word.find('/') != std::string::npos) {
          throw std::invalid_argument("go: '" + word + "': stones are set up once, before the moves");
        } else if (word == "b" || word == "w") {
          position.set_turn(word == "w");
        } else {
          try {
            position.play(position.parse_move(word));
          } catch (const IllegalMove& error) {
            throw std::invalid_argument("go: move " + std::to_string(position.ply() + 1) + ": " + error.what());
          }
        }
        first = false;
      }
      return position;
    }
    [[nodiscard]] std::string text() const {
      std::string out = komi_text_;
      const auto add = [&](const std::string& word) {
        if (!out.empty()) out += ' ';
        out += word;
      };
      if (!start_text_.empty()) add(start_text_);
      if (start_white_ || !start_text_.empty()) add(start_white_ ? "w" : "b");
      for (const Move move : moves_) add(move == kBlackMoves ? "b" : move == kWhiteMoves ? "w" : move_text(move));
      return out;
    }

    [[nodiscard]] int turn() const { return state().white; }
    [[nodiscard]] int ply() const { return state().ply; }
    [[nodiscard]] Key key() const {
      const State& s = state();
      if (options_.ko != Ko::kSimple) return situation().key;
      const Key turn_key = s.white != 0 ? kZobrist.white_to_move : 0;
      return s.key ^ turn_key ^ (s.ko != kNoMove ? kZobrist.ko[s.ko] : 0);
    }

    // Names the position for a network, earlier boards left out. What ko bars is in the legal moves.
    [[nodiscard]] Key answer_key() const {
      const State& s = state();
      return s.key ^ (s.white != 0 ? kZobrist.white_to_move : 0) ^ (0x9e3779b97f4a7c15ULL * (s.passes > 0 ? 1U : 2U));
    }

    [[nodiscard]] std::optional<Outcome> outcome() const {
      const State& s = state();
      const bool passed = s.passes >= 2;
      if (!passed && (options_.max_plies == 0 || s.ply < options_.max_plies)) return std::nullopt;
      const double margin = area_margin() - options_.komi;
      return Outcome{margin > 0   ? 1
                     : margin < 0 ? -1
                                  : 0,
                     passed ? "two_passes" : "max_plies", static_cast<float>(margin)};
    }

    void legal_moves(Moves& moves) const {
      State::for_each(legal_cells(), [&](int cell) { moves.push(static_cast<Move>(cell)); });
      moves.push(pass_move());
    }
    // Legal moves that fill no eye of their own; a pass only where there is nothing else.
    void rollout_moves(Moves& moves) const {
      const State& s = state();
      const Stone mine = s.to_move();
      const typename State::Bits open = s.open_cells(*geometry_);
      State::for_each(legal_cells(), [&](int cell) {
        if (!State::has(open, cell) && own_eye(geometry_->point[State::at(cell)], mine)) return;
        moves.push(static_cast<Move>(cell));
      });
      if (moves.empty()) moves.push(pass_move());
    }

    void play(Move move) {
      State& s = states_.push();
      if (move == pass_move()) {
        s.pass(options_.board_size);
      } else {
        s.place(*geometry_, move);
      }
      moves_.push_back(move);
      if (options_.ko != Ko::kSimple) history_.push(situation());
    }
    void undo() {
      if (options_.ko != Ko::kSimple) history_.pop(situation());
      states_.pop();
      moves_.pop_back();
    }
    void settle() { states_.settle(kHistory); }

    [[nodiscard]] int policy_index(Move move) const { return move; }

    void encode(Features out) const {
      const State& s = state();
      const int mine = turn();
      const auto words = State::at(out.words);
      const auto copy = [&](int plane, const typename State::Bits& bits) {
        std::copy_n(bits.begin(), words, out.bits + State::at(plane) * words);
      };
      for (int t = 0; t < kHistory; ++t) {
        const State* const then = states_.back(t);
        if (then == nullptr) break;
        copy(2 * t, then->stones[mine]);
        copy(2 * t + 1, then->stones[1 - mine]);
      }
      State::for_each(s.empty_cells(*geometry_), [&](int cell) { mark_ataris(cell, mine, out); });
      copy(kBarredByKo, barred_by_ko(s.playable_cells(*geometry_, options_.suicide)));
      if (s.passes > 0) copy(kAfterPass, geometry_->all);
      copy(kOnBoard, geometry_->all);
      out.scalars[kKomi] = static_cast<float>(mine == 1 ? options_.komi : -options_.komi) / 15.0F;
      out.scalars[kWhiteToMove] = static_cast<float>(mine);
    }

    void ownership(std::span<std::int8_t> cells) const {
      const State& s = state();
      const int n = options_.board_size;
      std::fill(cells.begin(), cells.end(), std::int8_t{0});
      std::vector<int> region;
      std::vector<bool> seen(State::at(n * n), false);
      for (int cell = 0; cell < n * n; ++cell) {
        const std::size_t p = geometry_->point[State::at(cell)];
        if (s.stone(p) != kEmpty) cells[State::at(cell)] = s.stone(p) == kBlack ? 1 : -1;
        if (s.stone(p) != kEmpty || seen[State::at(cell)]) continue;
        region.assign(1, cell);
        seen[State::at(cell)] = true;
        unsigned touches = 0;  // bit per colour beside the region
        for (std::size_t i = 0; i < region.size(); ++i) {
          for (const int d : State::kAround) {
            const std::size_t q = State::at(geometry_->point[State::at(region[i])] + d);
            if (s.stone(q) == kBlack || s.stone(q) == kWhite) touches |= s.stone(q);
            if (s.stone(q) != kEmpty || seen[geometry_->cell[q]]) continue;
            seen[geometry_->cell[q]] = true;
            region.push_back(geometry_->cell[q]);
          }
        }
        if (touches != kBlack && touches != kWhite) continue;
        for (const int each : region) cells[State::at(each)] = touches == kBlack ? 1 : -1;
      }
    }

    // 1: a black stone, -1: a white one. Row 0 is the highest, column 0 the A.
    void cells(std::span<std::int8_t> out) const {
      for (int cell = 0; cell < options_.board_size * options_.board_size; ++cell) {
        const Stone stone = state().stone(geometry_->point[State::at(cell)]);
        out[State::at(cell)] = static_cast<std::int8_t>((stone == kBlack) - (stone == kWhite));
      }
    }

    [[nodiscard]] std::string move_text(Move move) const {
      if (move == pass_move()) return "pass";
      const int n = options_.board_size;
      return std::string(1, kColumns[State::at(move % n)]) + std::to_string(n - move / n);
    }
    [[nodiscard]] Move parse_move(std::string_view text) const {
      std::string word;
      for (const char c : text) word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      if (word == "PASS") return pass_move();
      const int n = options_.board_size;
      const std::string shown = "'" + std::string(text) + "'";
      const auto column = word.empty() ? std::string_view::npos : kColumns.find(word[0]);
      const bool digits =
          word.size() >= 2 && word.size() <= 3 && word.find_first_not_of("0123456789", 1) == std::string::npos;
      if (column == std::string_view::npos || !digits)
        throw IllegalMove(shown + " is no vertex: a letter A-T without I and a row, such as D4, or pass");
      const int row = std::stoi(word.substr(1));
      if (static_cast<int>(column) >= n || row < 1 || row > n)
        throw IllegalMove(shown + " is off the " + std::to_string(n) + "x" + std::to_string(n) + " board");
      const int cell = (n - row) * n + static_cast<int>(column);
      const State& s = state();
      const int p = geometry_->point[State::at(cell)];
      if (s.stone(State::at(p)) != kEmpty) throw IllegalMove(word + " is occupied");
      const auto effect = State::effect(s.contact(p, s.to_move()));
      if (effect == State::Effect::kSingleSuicide || (effect == State::Effect::kSuicide && !options_.suicide))
        throw IllegalMove(word + " is suicide");
      if (breaks_ko(cell))
        throw IllegalMove(word +
                          (options_.ko == Ko::kSimple ? " is barred by ko" : " repeats an earlier board (superko)"));
      return static_cast<Move>(cell);
    }

    [[nodiscard]] std::string diagram() const {
      const State& s = state();
      const int n = options_.board_size;
      std::string letters = "   ";
      for (int c = 0; c < n; ++c) {
        letters += ' ';
        letters += kColumns[State::at(c)];
      }
      letters += '\n';
      std::string out = letters;
      for (int r = 0; r < n; ++r) {
        std::string label = std::to_string(n - r);
        if (label.size() < 2) label.insert(label.begin(), ' ');
        out += label;
        out += ' ';
        for (int c = 0; c < n; ++c) {
          const int cell = r * n + c;
          const bool newest = cell == s.last;
          const bool before_newest = c > 0 && cell - 1 == s.last;
          out += newest ? '(' : before_newest ? ')' : ' ';
          out += ".XO"[s.stone(geometry_->point[State::at(cell)])];
        }
        out += r * n + n - 1 == s.last ? ')' : ' ';
        out += label;
        out += '\n';
      }
      out += letters;
      out += s.to_move() == kBlack ? "Black (X)" : "White (O)";
      out += " to move, ply " + std::to_string(s.ply) + ", taken: " + std::to_string(s.captured[0]) + " black, " +
             std::to_string(s.captured[1]) + " white";
      if (s.passes > 0) out += ", last move: pass";
      return out;
    }

   private:
    static constexpr std::string_view kColumns = "ABCDEFGHJKLMNOPQRST";
    static constexpr std::string_view kKomiIs = "komi=";
    // Among the moves so far: that side was set to move.
    static constexpr Move kBlackMoves = 1000;
    static constexpr Move kWhiteMoves = 1001;

    void set_komi(const std::string& word) {
      const std::string number = word.substr(kKomiIs.size());
      char* end = nullptr;
      const double komi = std::strtod(number.c_str(), &end);
      const bool decimal = number.find_first_not_of("0123456789.eE+-") == std::string::npos;  // no hexadecimal
      if (number.empty() || !decimal || *end != '\0' || !(std::abs(komi) <= kMostKomi))
        throw std::invalid_argument("go: '" + word + "': a komi is a number within -400 and 400, such as komi=6.5");
      if (komi != options_.komi) komi_text_ = word;
      options_.komi = komi;
    }
    // Puts up the stones of `rows`. The history is that one board, whoever is to move: see set_turn().
    void set_up(const std::string& rows) {
      const int n = options_.board_size;
      const std::vector<Stone> stones = read_stones(rows, n);
      State& s = states_.top();
      if (options_.ko != Ko::kSimple) history_.pop(situation());
      for (int cell = 0; cell < n * n; ++cell) {
        const Stone stone = stones[State::at(cell)];
        if (stone != kEmpty && !s.put_up(*geometry_, cell, stone))
          throw std::invalid_argument("go: set-up: a chain at or next to " + move_text(static_cast<Move>(cell)) +
                                      " has no liberties");
      }
      s.white = 0;
      if (options_.ko != Ko::kSimple) history_.push(situation());
      start_text_ = stones_text(stones, n);
    }
    // Before the first move it is a part of the set-up.
    void set_turn(bool white) {
      State& s = states_.top();
      if ((s.white != 0) == white) return;
      const bool at_start = moves_.empty();
      if (at_start && options_.ko != Ko::kSimple) history_.pop(situation());
      s.change_turn();
      if (at_start && options_.ko != Ko::kSimple) history_.push(situation());
      if (!at_start) moves_.push_back(white ? kWhiteMoves : kBlackMoves);
      start_white_ = at_start ? white : start_white_;
    }

    [[nodiscard]] const State& state() const { return states_.top(); }
    [[nodiscard]] Move pass_move() const { return static_cast<Move>(options_.board_size * options_.board_size); }
    [[nodiscard]] typename State::Bits legal_cells() const {
      const typename State::Playable playable = state().playable_cells(*geometry_, options_.suicide);
      typename State::Bits legal = playable.cells;
      const typename State::Bits barred = barred_by_ko(playable);
      for (std::size_t w = 0; w < legal.size(); ++w) legal[w] &= ~barred[w];
      return legal;
    }
    // Those of the playable cells where ko forbids to play.
    [[nodiscard]] typename State::Bits barred_by_ko(const typename State::Playable& playable) const {
      const State& s = state();
      typename State::Bits barred{};
      if (options_.ko == Ko::kSimple) {
        if (s.ko != kNoMove && State::has(playable.cells, s.ko)) State::set(barred, s.ko);
        return barred;
      }
      typename State::Bits more;  // moves that do more than add a stone
      for (std::size_t w = 0; w < more.size(); ++w) more[w] = playable.captures[w] | playable.suicides[w];
      // The other moves all lead to boards of one file, and by which stone such a board differs from this one its key
      // tells.
      const auto mine = State::at(turn());
      Situation next = next_situation({s.key, s.count});
      ++next.count[mine];
      history_.for_each(next.count, [&](Key earlier) {
        const Key difference = earlier ^ next.key;
        const auto cell = static_cast<int>(difference % Zobrist::kCells);
        if (kZobrist.is_stone(mine, difference) && cell < pass_move() && State::has(playable.cells, cell) &&
            !State::has(more, cell))
          State::set(barred, cell);
      });
      // So do the captures of one stone. The end of the key tells whether a board may differ by two cells side by side;
      // most often none does.
      --next.count[1 - mine];
      bool one_may_repeat = false;
      history_.for_each(next.count, [&](Key earlier) {
        one_may_repeat |= geometry_->neighbours_xor[(earlier ^ next.key) % Zobrist::kCells];
      });
      if (!one_may_repeat)
        for (std::size_t w = 0; w < more.size(); ++w) more[w] &= ~playable.captures_of_one[w];
      State::for_each(more, [&](int cell) {
        if (breaks_ko(cell)) State::set(barred, cell);
      });
      return barred;
    }
    // Marks the chains whose last liberty is the empty `cell`.
    void mark_ataris(int cell, int mine, Features out) const {
      const State& s = state();
      const int p = geometry_->point[State::at(cell)];
      for (const int d : State::kAround) {
        const std::size_t q = State::at(p + d);
        if (!s.last_liberty(p, q)) continue;
        const int plane = s.is(q, mine == 0 ? kBlack : kWhite) ? kOwnAtari : kOtherAtari;
        const std::size_t chain = s.chain(q);
        std::size_t stone = chain;
        do {
          out.set(plane, geometry_->cell[stone]);
          stone = s.next[stone];
        } while (stone != chain);
      }
    }
    // What superko compares, now and after a move of the side to move that leads to `stones`.
    [[nodiscard]] Situation situation() const { return situation({state().key, state().count}, turn() == 1); }
    [[nodiscard]] Situation next_situation(const Situation& stones) const { return situation(stones, turn() == 0); }
    [[nodiscard]] Situation situation(Situation stones, bool white_to_move) const {
      if (options_.ko == Ko::kSituational && white_to_move) stones.key ^= kZobrist.white_to_move;
      return stones;
    }
    [[nodiscard]] bool breaks_ko(int cell) const {
      const State& s = state();
      if (options_.ko == Ko::kSimple) return s.ko == cell;
      return history_.contains(next_situation(s.after(*geometry_, geometry_->point[State::at(cell)])));
    }
    // A point walled in by own stones that the opponent cannot make false.
    [[nodiscard]] bool own_eye(int p, Stone mine) const {
      const State& s = state();
      for (const int d : State::kAround) {
        const Stone q = s.stone(State::at(p + d));
        if (q != mine && q != kWall) return false;
      }
      int hostile = 0;
      int edge = 0;
      for (const int d : {-State::kStride - 1, -State::kStride + 1, State::kStride - 1, State::kStride + 1}) {
        const Stone q = s.stone(State::at(p + d));
        edge |= q == kWall;
        hostile += q == opponent(mine);
      }
      return hostile + edge < 2;
    }
    [[nodiscard]] double area_margin() const {
      std::array<std::int8_t, MaxSize * MaxSize> cells{};
      ownership(std::span(cells).first(State::at(options_.board_size * options_.board_size)));
      int margin = 0;
      for (const std::int8_t owner : cells) margin += owner;
      return margin;
    }
    Options options_;
    const typename State::Geometry* geometry_;
    StateStack<State> states_;
    std::vector<Move> moves_;
    std::string komi_text_;   // as parse() read it; empty: the options' komi
    std::string start_text_;  // the stones that were set up; empty: none
    bool start_white_ = false;
    History history_;  // superko's; empty under simple ko
  };
};

using Small = Go<9>;
using Large = Go<19>;
static_assert(Game<Small> && Game<Large>);
using Types = std::tuple<Small, Large>;

}  // namespace az::go
