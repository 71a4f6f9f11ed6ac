// Fuzzes the core without Python, for a sanitizer's build: `fuzz-core --target=texts|records [flags] [FILE or FOLDER
// ...]`.
//
// texts: a position's text and moves, of every game and many of its options. What is accepted is written and read back,
// every legal move is read back, the game is played to its end and taken back move by move.
// records: a game's bytes through the record's reader and the sampler, which draws from what it accepts.
//
// An input's first byte names the game and its options. With clang and its fuzzer's library this is a libFuzzer
// harness; with -DAZ_FUZZ_MAIN it has a main of its own that takes the same flags: inputs are then made by the mutator
// below alone. The input that is run stands in PREFIXcurrent, which a crash of any kind leaves behind.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#ifdef AZ_FUZZ_MAIN
#include <unistd.h>
#endif

#include "cpp/sampler/sampler.h"
#include "cpp/selfplay/record.h"
#include "cpp/selfplay/rollout.h"
#include "games/chess/chess.h"
#include "games/connect4/connect4.h"
#include "games/go/go.h"
#include "games/shogi/shogi.h"
#include "tests/cpp/drawn.h"

using namespace az;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

constexpr int kMostWords = 300;  // of an input that are tried as moves
constexpr int kMostPlies = 400;  // of a game that is played on at random, one of eight so far
constexpr int kUsualPlies = 30;

void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what.c_str());
  std::abort();
}

// One game with its options.
struct Table {
  std::string name;
  std::function<void(std::string_view)> texts, records;
  std::function<std::string(Rng&)> make_texts, make_records;
};

template <Game G>
class Of {
 public:
  using Position = typename G::Position;
  using Moves = MoveList<G::kMaxMoves>;

  explicit Of(typename G::Options options) : options_(options), encoder_(options) {
    planes_.resize(static_cast<std::size_t>(encoder_.shape().planes() * encoder_.shape().cells()));
  }

  void texts(std::string_view input) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view where = input.substr(0, end);
    std::optional<Position> begin;
    try {
      begin.emplace(where.empty() ? Position(options_) : Position::parse(options_, where));
    } catch (const std::invalid_argument& error) {
      expect(*error.what() != '\0', "a refusal without a word");
      return;
    }
    Position& position = *begin;
    std::vector<Seen> seen{look(position)};
    read_back(position);
    std::istringstream words{std::string(input.substr(end))};
    std::string word;
    for (int n = 0; n < kMostWords && words >> word && !position.outcome(); ++n) {
      Move move = kNoMove;
      try {
        move = position.parse_move(word);
      } catch (const IllegalMove& error) {
        expect(*error.what() != '\0', "a refusal without a word");
        expect(look(position) == seen.back(), "a refused move changes the position");
        continue;
      }
      play(position, move, seen);
    }
    read_back(position);
    Rng rng(std::hash<std::string_view>{}(input));
    const int most = rng.below(8) == 0 ? kMostPlies : kUsualPlies;
    for (int n = 0; n < most && !position.outcome(); ++n) {
      Moves moves;
      rollout_moves<G>(position, moves);
      expect(!moves.empty(), "no moves, and the game goes on: " + position.text());
      play(position, moves[rng.below(moves.size())], seen);
    }
    read_back(position);
    Position copy = position;
    copy.settle();
    expect(copy.text() == position.text() && copy.key() == position.key(), "settle() changes the position");
    while (seen.size() > 1) {
      seen.pop_back();
      position.undo();
      expect(look(position) == seen.back(), "undo leaves another position: " + position.text());
    }
  }

  void records(std::string_view input) {
    try {
      const std::string bytes = serialize(deserialize(input));
      expect(serialize(deserialize(bytes)) == bytes, "a record is not read back");
      Sampler<G> sampler(options_);
      const int drawable = sampler.add(input);
      expect(sampler.positions() == static_cast<std::uint64_t>(drawable), "positions are miscounted");
      if (drawable > 0) draw(sampler);
      sampler.add(bytes);
      sampler.trim(1);
      if (drawable > 0) draw(sampler);
    } catch (const std::invalid_argument& error) {
      expect(*error.what() != '\0', "a refusal without a word");
    }
  }

  // A position after random moves, as a text or as moves, and moves that go on from there.
  std::string make_texts(Rng& rng) {
    if constexpr (G::kName == std::string_view("go")) {
      if (rng.below(3) == 0) return make_set_up(rng);
    }
    Position position(options_);
    std::string moves;
    const int plies = rng.below(rng.below(3) == 0 ? 150 : 20);
    for (int n = 0; n < plies && !position.outcome(); ++n) moves += ' ' + random_move(position, rng);
    std::string text = rng.below(4) == 0 ? "\n" + moves : position.text() + "\n";
    for (int n = rng.below(8); n > 0 && !position.outcome(); --n) text += ' ' + random_move(position, rng);
    return text;
  }

  std::string make_records(Rng& rng) {
    GameRecord record;
    record.number = static_cast<std::uint64_t>(rng.below(100));
    Position position(options_);
    if (rng.below(3) == 0) {
      for (int n = rng.below(12); n > 0 && !position.outcome(); --n) random_move(position, rng);
      record.start = position.text();
    }
    const int plies = rng.below(rng.below(4) == 0 ? 300 : 20);
    for (int n = 0; n < plies && !position.outcome(); ++n) {
      PlyRecord ply;
      ply.kind = static_cast<PlyKind>(rng.below(4));
      ply.simulations = 8;
      ply.root_value = static_cast<float>(2.0 * rng.uniform() - 1.0);
      ply.surprise = static_cast<float>(rng.uniform());
      Moves moves;
      position.legal_moves(moves);
      ply.move = moves[rng.below(moves.size())];
      if (ply.kind == PlyKind::kFull)
        for (const Move move : moves)
          if (rng.below(3) == 0) ply.policy.push_back({move, static_cast<std::uint16_t>(1 + rng.below(60000))});
      position.play(ply.move);
      record.plies.push_back(std::move(ply));
    }
    const std::optional<Outcome> outcome = position.outcome();
    record.value = outcome ? outcome->value : 0;
    record.has_score = outcome && outcome->score;
    record.score = record.has_score ? *outcome->score : 0.0F;
    record.reason = outcome ? outcome->reason : rng.below(2) == 0 ? "resign" : "max_plies";
    return serialize(record);
  }

  // Go's stones in rows, more or fewer of them, with moves of either side in any order.
  std::string make_set_up(Rng& rng) {
    const int size = encoder_.shape().height;
    const int empty = 1 + rng.below(8);
    std::string text = rng.below(4) == 0 ? "komi=" + std::to_string(rng.below(20)) + " " : "";
    for (int row = 0; row < size; ++row) {
      for (int column = 0; column < size; ++column) text += rng.below(empty) != 0 ? '.' : rng.below(2) != 0 ? 'X' : 'O';
      if (row + 1 < size) text += '/';
    }
    Moves moves;
    for (int n = rng.below(12); n > 0; --n) {
      if (rng.below(3) == 0) text += rng.below(2) == 0 ? " b" : " w";
      const Position empty_board(options_);
      moves.clear();
      empty_board.legal_moves(moves);
      text += ' ' + empty_board.move_text(moves[rng.below(moves.size())]);
    }
    return text + "\n";
  }

 private:
  struct Seen {
    std::string text;
    Key key;
    int turn, ply;
    bool operator==(const Seen&) const = default;
  };
  static Seen look(const Position& position) {
    return {position.text(), position.key(), position.turn(), position.ply()};
  }

  std::string random_move(Position& position, Rng& rng) {
    Moves moves;
    position.legal_moves(moves);
    const Move move = moves[rng.below(moves.size())];
    std::string text = position.move_text(move);
    position.play(move);
    return text;
  }

  void play(Position& position, Move move, std::vector<Seen>& seen) {
    Moves moves;
    position.legal_moves(moves);
    expect(std::find(moves.begin(), moves.end(), move) != moves.end(), "an illegal move is accepted");
    expect(position.parse_move(position.move_text(move)) == move, "a move is not read back: " + position.text());
    encoder_.dense(position, static_cast<int>(seen.size()) % encoder_.shape().symmetries, planes_.data());
    position.play(move);
    seen.push_back(look(position));
  }

  // The text gives the position back; each legal move has a text and an index of its own.
  void read_back(const Position& position) {
    const std::string text = position.text();
    std::optional<Position> back;
    try {
      back.emplace(Position::parse(options_, text));
    } catch (const std::invalid_argument& error) {
      expect(false, "a position is refused when read back: " + text + ": " + error.what());
    }
    expect(back->text() == text, "another text is read back: " + text + ": " + back->text());
    expect(back->key() == position.key() && back->turn() == position.turn(), "another position is read back: " + text);
    Moves moves, again;
    position.legal_moves(moves);
    back->legal_moves(again);
    expect(std::equal(moves.begin(), moves.end(), again.begin(), again.end()), "other moves are read back: " + text);
    expect(!moves.empty() || position.outcome(), "no moves, and the game goes on: " + text);
    std::vector<bool> used(static_cast<std::size_t>(encoder_.shape().policy_size));
    for (const Move move : moves) {
      const int index = position.policy_index(move);
      expect(index >= 0 && index < encoder_.shape().policy_size, "a policy index beyond the policy: " + text);
      expect(!used[static_cast<std::size_t>(index)], "two moves have one policy index: " + text);
      used[static_cast<std::size_t>(index)] = true;
      if (!position.outcome())
        expect(position.parse_move(position.move_text(move)) == move, "a move is not read back: " + text);
    }
    for (int symmetry = 0; symmetry < encoder_.shape().symmetries; ++symmetry)
      encoder_.dense(position, symmetry, planes_.data());
    expect(!position.diagram().empty(), "no diagram: " + text);
    if constexpr (HasOwnership<G>) {
      std::vector<std::int8_t> cells(static_cast<std::size_t>(encoder_.shape().cells()));
      position.ownership(cells);
    }
    if constexpr (HasWinningMove<G>) {
      if (!position.outcome()) {
        const Move move = position.winning_move(moves);
        expect(move == kNoMove || std::find(moves.begin(), moves.end(), move) != moves.end(),
               "an illegal win: " + text);
      }
    }
    if constexpr (HasMoveCount<G>)
      expect(position.outcome() || position.count_moves() == moves.size(), "moves are miscounted: " + text);
    if constexpr (HasCheck<G>) (void)position.in_check();
    if constexpr (HasDeclaration<G>) (void)position.can_declare();
  }

  void draw(Sampler<G>& sampler) {
    constexpr int kRows = 3;
    const SampleSettings settings{.value_blend = 0.3F, .surprise = 0.5F, .threads = 1};
    testing::DrawnBatch drawn(encoder_.shape(), sampler.columns(settings), kRows);
    sampler.sample(kRows, 1, settings, drawn.out());
    expect(drawn.fault().empty(), drawn.fault());
  }

  typename G::Options options_;
  Encoder<G> encoder_;
  std::vector<float> planes_;
};

std::vector<Table> make_tables() {
  std::vector<Table> tables;
  const auto add = [&]<class... Games>(std::tuple<Games...>*, const std::string& name, const OptionMap& map) {
    const auto one = [&]<class G>() {
      if (name != G::kName) return;
      const std::optional<typename G::Options> options = G::parse_options(map);
      if (!options) return;
      const auto of = std::make_shared<Of<G>>(*options);
      tables.push_back({name, [of](std::string_view input) { of->texts(input); },
                        [of](std::string_view input) { of->records(input); },
                        [of](Rng& rng) { return of->make_texts(rng); },
                        [of](Rng& rng) { return of->make_records(rng); }});
    };
    (one.template operator()<Games>(), ...);
  };
  const auto connect4 = static_cast<connect4::Types*>(nullptr);
  const auto chess = static_cast<chess::Types*>(nullptr);
  const auto shogi = static_cast<shogi::Types*>(nullptr);
  const auto go = static_cast<go::Types*>(nullptr);
  add(connect4, "connect4", {});
  add(chess, "chess", {});
  add(chess, "chess", {{"chess960", true}});
  add(chess, "chess", {{"max_plies", std::int64_t{6}}});
  add(chess, "gardner", {});
  add(chess, "gardner", {{"max_plies", std::int64_t{30}}});
  add(shogi, "shogi", {});
  add(shogi, "shogi", {{"max_plies", std::int64_t{40}}});
  add(shogi, "minishogi", {});
  add(shogi, "minishogi", {{"max_plies", std::int64_t{5}}});
  for (const std::int64_t size : {2, 3, 5, 9, 13, 19})
    for (const char* ko : {"positional", "situational", "simple"})
      add(go, "go",
          {{"board_size", size}, {"ko", std::string(ko)}, {"suicide", size % 2 == 0 || size == 5}, {"komi", 0.5}});
  add(go, "go", {{"board_size", std::int64_t{7}}, {"max_plies", std::int64_t{20}}, {"suicide", true}});
  return tables;
}

std::vector<Table>& tables() {
  static std::vector<Table> all = make_tables();
  return all;
}

bool records_wanted = false;

// --- the mutator ---

constexpr std::array kOddWords{"-",       "w",          "b",
                               "/",       "+",          "*",
                               "0",       "1",          "9",
                               "99",      "-1",         "1e9",
                               "nan",     "65536",      "pass",
                               "komi=5",  "komi=",      "9/9/2X3O2/9/9/9/9/9/9",
                               "3/X1O/3", "komi=1e999", "18446744073709551616",
                               "e1g1",    "e7e8q",      "0000",
                               "P*5e",    "2b3c+",      "A1",
                               "T19",     "J9",         "x",
                               "KQkq",    "AHah",       "e3",
                               "2P",      "O-O",        "\t",
                               "win"};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (blank || words.empty() || words.back() == " " || words.back() == "\n") {
      words.emplace_back(1, c);
    } else {
      words.back() += c;
    }
  }
  return words;
}

// Changes words, and letters within them.
std::string spoil_words(const std::string& text, Rng& rng) {
  std::vector<std::string> words = split(text);
  for (int n = 1 + rng.below(4); n > 0 && !words.empty(); --n) {
    const auto at = static_cast<std::size_t>(rng.below(static_cast<int>(words.size())));
    const auto other = static_cast<std::size_t>(rng.below(static_cast<int>(words.size())));
    std::string& word = words[at];
    switch (rng.below(8)) {
      case 0:
        word = kOddWords[static_cast<std::size_t>(rng.below(kOddWords.size()))];
        break;
      case 1:
        word = words[other];
        break;
      case 2:
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 3:
        words.insert(words.begin() + static_cast<std::ptrdiff_t>(at), words[other]);
        break;
      default: {  // a letter of another place, taken in, or in the place of one, or twice
        const auto i = static_cast<std::size_t>(rng.below(static_cast<int>(word.size())));
        const char letter = text[static_cast<std::size_t>(rng.below(static_cast<int>(text.size())))];
        const int kind = rng.below(5);
        if (kind == 0) word.insert(i, 1, letter);
        if (kind == 1) word.erase(i, 1);
        if (kind >= 2) word[i] = kind == 2 ? static_cast<char>(word[i] + 1 - 2 * rng.below(2)) : letter;
        if (word.empty()) word = " ";
      }
    }
  }
  std::string out;
  for (const std::string& word : words) out += word;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  for (int i = 1; i < *count; ++i)
    records_wanted = records_wanted || std::strcmp((*arguments)[i], "--target=records") == 0;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Table& table = tables()[data[0] % tables().size()];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  (records_wanted ? table.records : table.texts)(input);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned int seed) {
  Rng rng(seed);
  std::string input(reinterpret_cast<char*>(data), size);
  if (input.empty() || rng.below(4) == 0) {
    const auto number = static_cast<std::size_t>(rng.below(static_cast<int>(tables().size())));
    const Table& table = tables()[number];
    input = static_cast<char>(number) + (records_wanted ? table.make_records : table.make_texts)(rng);
  }
  if (!records_wanted && rng.below(4) != 0) {
    input = input.substr(0, 1) + spoil_words(input.substr(1), rng);
  } else if (rng.below(10) != 0) {
    std::vector<std::uint8_t> bytes(input.begin(), input.end());
    bytes.resize(std::max(most, input.size()));
    bytes.resize(LLVMFuzzerMutate(bytes.data(), std::min(input.size(), most), most));
    input.assign(bytes.begin(), bytes.end());
  }
  const std::size_t length = std::min(input.size(), most);
  std::memcpy(data, input.data(), length);
  return length;
}

#ifdef AZ_FUZZ_MAIN

namespace {
Rng bytes_rng(1);
}

// Bytes changed, cut, doubled; numbers made large or small.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most) {
  Rng& rng = bytes_rng;
  for (int n = 1 + rng.below(3); n > 0; --n) {
    if (size == 0) {
      data[size++] = static_cast<std::uint8_t>(rng.below(256));
      continue;
    }
    const auto at = static_cast<std::size_t>(rng.below(static_cast<int>(size)));
    switch (rng.below(8)) {
      case 0:
        size = at + 1;
        break;
      case 1:
        data[at] = static_cast<std::uint8_t>(rng.below(2) == 0 ? 0 : 255);
        break;
      case 2:
        data[at] ^= static_cast<std::uint8_t>(1 << rng.below(8));
        break;
      case 3:
        ++data[at];
        break;
      case 4:
        --data[at];
        break;
      case 5: {  // a piece of it once more
        const std::size_t length = std::min<std::size_t>(static_cast<std::size_t>(rng.below(40)), size - at);
        if (size + length > most) break;
        std::memmove(data + at + length, data + at, size - at);
        size += length;
        break;
      }
      case 6: {  // a piece of it left out
        const std::size_t length = std::min<std::size_t>(static_cast<std::size_t>(1 + rng.below(20)), size - at);
        std::memmove(data + at, data + at + length, size - at - length);
        size -= length;
        break;
      }
      default:
        data[at] = static_cast<std::uint8_t>(rng.below(256));
    }
  }
  return size;
}

int main(int count, char** arguments) {
  LLVMFuzzerInitialize(&count, &arguments);
  double seconds = 1e9;
  unsigned int seed = 1;
  std::string prefix;
  std::size_t most = 20000;
  std::vector<std::string> pool;
  bool folders = false, files = false;
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const std::string value(argument.substr(std::min(argument.find('=') + 1, argument.size())));
    if (argument.starts_with("-max_total_time=")) seconds = std::stod(value);
    if (argument.starts_with("-seed=")) seed = static_cast<unsigned int>(std::stoul(value));
    if (argument.starts_with("-max_len=")) most = std::stoul(value);
    if (argument.starts_with("-artifact_prefix=")) prefix = value;
    if (argument.starts_with("-")) continue;
    if (std::filesystem::is_directory(argument)) {
      folders = true;
      std::vector<std::filesystem::path> found;
      for (const auto& each : std::filesystem::directory_iterator(argument)) found.push_back(each.path());
      std::sort(found.begin(), found.end());
      for (const auto& path : found) pool.push_back(read(path));
    } else {
      files = true;
      pool.push_back(read(argument));
    }
  }
  Rng rng(seed);
  bytes_rng = Rng(seed, 1);
  std::vector<std::uint8_t> buffer(most);
  long inputs = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const auto run = [&](const std::string& input) {
    if (!prefix.empty()) {
      std::ofstream current(prefix + "current", std::ios::binary | std::ios::trunc);
      current.write(input.data(), static_cast<std::streamsize>(input.size()));
    }
    alarm(90);  // what takes longer is a hang: the signal ends the program
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    alarm(0);
    ++inputs;
  };
  for (const std::string& input : pool) run(input);
  const std::size_t given = pool.size();
  while ((folders || !files) && passed() < seconds) {
    std::string input;
    if (!pool.empty() && rng.below(2) == 0)
      input = pool[static_cast<std::size_t>(rng.below(static_cast<int>(pool.size())))];
    const std::size_t length = std::min(input.size(), most);
    std::memcpy(buffer.data(), input.data(), length);
    const std::size_t made = LLVMFuzzerCustomMutator(buffer.data(), length, most, static_cast<unsigned int>(rng()));
    input.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(made));
    run(input);
    if (rng.below(20) == 0) {  // goes on from changed inputs, too
      if (pool.size() < given + 2000)
        pool.push_back(input);
      else
        pool[given + static_cast<std::size_t>(rng.below(2000))] = input;
    }
  }
  if (!prefix.empty()) std::filesystem::remove(prefix + "current");
  std::printf("Done %ld runs in %.0f second(s)\n", inputs, passed());
}

#endif
