// The core under load, for the sanitizers (`make sanitize`): random play, self-play and matches of every game on
// several threads, records drawn from, a pool that is torn down half-way, a tree that several threads search. Exits 1
// where something does not hold.
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "cpp/sampler/sampler.h"
#include "cpp/search/parallel.h"
#include "cpp/selfplay/pool.h"
#include "cpp/selfplay/rollout.h"
#include "games/chess/chess.h"
#include "games/connect4/connect4.h"
#include "games/go/go.h"
#include "games/shogi/shogi.h"
#ifdef AZ_OPEN_SPIEL  // compiled against its wheel: `make sanitize-open_spiel`
#include "games/open_spiel/open_spiel.h"
#endif
#include "tests/cpp/drawn.h"

using namespace az;

namespace {

void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "stress: %s\n", what.c_str());
  std::exit(1);
}

#ifdef AZ_OPEN_SPIEL
std::string open_spiel_game;  // whose turn it is
#endif

template <Game G>
typename G::Options options() {
  OptionMap map;
  if constexpr (G::kName == std::string_view("go")) map["board_size"] = std::int64_t{G::kMaxMoves > 82 ? 13 : 7};
#ifdef AZ_OPEN_SPIEL
  if constexpr (G::kName == std::string_view("open_spiel"))
    map = {{"game", open_spiel_game}, {"max_plies", std::int64_t{60}}};
#endif
  return *G::parse_options(map);
}

// Random games, taken back to their start and played again.
template <Game G>
void random_play(int games) {
  const typename G::Options o = options<G>();
  Encoder<G> encoder(o);
  std::vector<float> planes(static_cast<std::size_t>(encoder.shape().planes() * encoder.shape().cells()));
  Rng rng(1, 2);
  for (int i = 0; i < games; ++i) {
    typename G::Position position(o);
    std::vector<Key> keys{position.key()};
    while (!position.outcome() && keys.size() < 200) {
      MoveList<G::kMaxMoves> moves;
      position.legal_moves(moves);
      const Move move = moves[rng.below(moves.size())];
      expect(position.parse_move(position.move_text(move)) == move, "a move is not read back");
      position.play(move);
      keys.push_back(position.key());
      encoder.dense(position, rng.below(encoder.shape().symmetries), planes.data());
    }
    expect(G::Position::parse(o, position.text()).text() == position.text(), "a position is not read back");
    for (std::size_t n = keys.size(); n-- > 1;) {
      position.undo();
      expect(position.key() == keys[n - 1], "undo leaves another position");
    }
  }
}

// A network that never was trained: logits and values that follow from the planes alone.
void answer(const Batch& batch, const Shape& shape, std::vector<float>& logits, std::vector<float>& wdl) {
  const auto rows = static_cast<std::size_t>(batch.written);
  const auto policy = static_cast<std::size_t>(shape.policy_size);
  const bool packed = batch.planes.empty() && batch.halves.empty();  // then bits or numbers or both
  const auto words = static_cast<std::size_t>(shape.bit_planes * shape.words());
  const auto numbers = static_cast<std::size_t>(shape.numbers());
  const std::size_t size = packed ? words + numbers : static_cast<std::size_t>(shape.planes() * shape.cells());
  const auto number = [&](std::size_t row, std::size_t i) -> std::uint64_t {  // whichever of the three layouts it has
    if (packed && i < words) return batch.bits[row * words + i];
    if (packed) return std::bit_cast<std::uint32_t>(batch.scalars[row * numbers + i - words]);
    return batch.halves.empty() ? std::bit_cast<std::uint32_t>(batch.planes[row * size + i])
                                : batch.halves[row * size + i];
  };
  logits.assign(rows * policy, 0.0F);
  wdl.assign(rows * 3, 0.0F);
  for (std::size_t row = 0; row < rows; ++row) {
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < size; ++i) hash = (hash ^ number(row, i)) * 0x9e3779b97f4a7c15ULL;
    Rng rng(hash);
    for (std::size_t i = 0; i < policy; ++i) logits[row * policy + i] = static_cast<float>(2.0 * rng.uniform());
    const auto win = static_cast<float>(rng.uniform());
    wdl[row * 3] = win;
    wdl[row * 3 + 2] = 1.0F - win;
  }
}

// Plays a pool out, keeping two batches in the consumer's hands; returns the games by number.
template <Game G>
std::vector<GameRecord> play_out(Pool<G>& pool, int evaluators, std::size_t games) {
  struct Held {
    Batch* batch = nullptr;
    std::vector<float> logits, wdl;
  };
  std::vector<std::unique_ptr<Held>> answers;  // alive until the pool is gone
  std::vector<GameRecord> records(games);
  Batch* waiting = nullptr;
  const auto finish = [&](Batch* batch) {
    auto held = std::make_unique<Held>();
    answer(*batch, pool.shape(), held->logits, held->wdl);
    pool.finish(batch, {held->logits.data(), pool.shape().policy_size, false, held->wdl.data()});
    answers.push_back(std::move(held));
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (!pool.done()) {
    expect(std::chrono::steady_clock::now() < end, "a game waits for ever");
    Batch* const batch = pool.next_batch(0.05, waiting == nullptr);
    if (waiting != nullptr) finish(waiting);
    waiting = batch;
    if (batch != nullptr) expect(batch->evaluator < evaluators, "a batch for nobody");
    for (GameRecord& record : pool.take_finished()) {
      const std::size_t n = record.number;
      records[n] = std::move(record);
    }
  }
  for (GameRecord& record : pool.take_finished()) {
    const std::size_t n = record.number;
    records[n] = std::move(record);
  }
  return records;
}

// The same with several consumers at a time, as lanes are.
template <Game G>
std::vector<GameRecord> play_out_on_lanes(Pool<G>& pool, int lanes, std::size_t games) {
  struct Answer {
    std::vector<float> logits, wdl;
  };
  std::vector<std::vector<std::unique_ptr<Answer>>> answers(static_cast<std::size_t>(lanes));  // outlive the games
  std::vector<std::thread> consumers;
  for (auto& mine : answers) {
    consumers.emplace_back([&pool, &mine] {
      const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
      while (!pool.done()) {
        expect(std::chrono::steady_clock::now() < end, "a game on lanes waits for ever");
        Batch* const batch = pool.next_batch(0.05, true, true);
        if (batch == nullptr) continue;
        mine.push_back(std::make_unique<Answer>());
        Answer& to = *mine.back();
        answer(*batch, pool.shape(), to.logits, to.wdl);
        pool.finish(batch, {to.logits.data(), pool.shape().policy_size, false, to.wdl.data()});
      }
    });
  }
  std::vector<GameRecord> records(games);
  const auto take = [&] {
    for (GameRecord& record : pool.take_finished()) {
      const std::size_t n = record.number;
      records[n] = std::move(record);
    }
  };
  while (!pool.done()) {
    take();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (std::thread& consumer : consumers) consumer.join();
  take();
  return records;
}

PlayerSettings player(SearchKind kind, int simulations, int evaluator) {
  PlayerSettings p;
  p.search.kind = kind;
  p.search.simulations = simulations;
  p.evaluator = evaluator;
  p.noise = true;
  p.temperature_plies = 6;
  p.resign_below = -0.9F;
  return p;
}

template <Game G>
void self_play(std::size_t games) {
  const typename G::Options o = options<G>();
  for (const SearchKind kind : {SearchKind::kGumbel, SearchKind::kPuct}) {
    std::string first;  // with a cache, Gumbel asks for part of the leaves again; PUCT keeps its tree
    for (const int threads : {1, 3, 0}) {
      PoolSettings s;
      s.games_in_flight = 12;
      s.batch_size = 5;
      s.threads = threads;
      s.games = static_cast<std::int64_t>(games);
      s.opening_plies = 4;
      s.symmetry = true;
      s.cache_megabytes = kind == SearchKind::kGumbel ? 1 : 0;
      s.layout = kind == SearchKind::kGumbel ? Layout::kPacked : Layout::kBfloat16;  // matches: float32
      Pool<G> pool(o, s, {player(kind, 6, 0)}, {});
      const std::vector<GameRecord> records = play_out(pool, 1, games);
      expect((pool.counts().cache_hits > 0) == (s.cache_megabytes > 0), "the cache answered nothing, or there is none");
      std::string all;
      Sampler<G> sampler(o);
      for (const GameRecord& record : records) {
        const std::string bytes = serialize(record);
        all += bytes;
        sampler.add(bytes);
      }
      if (first.empty()) first = all;
      expect(all == first, std::string(G::kName) + ": games depend on the number of threads");
      for (const bool packed : {false, true}) {
        const SampleSettings settings{.value_blend = 0.3F, .packed = packed, .threads = 3};
        testing::DrawnBatch drawn(G::shape(o), sampler.columns(settings), 16);
        sampler.sample(16, 1, settings, drawn.out());
        expect(drawn.fault().empty(), drawn.fault());
      }
    }
  }
}

template <Game G>
void matches() {
  PoolSettings s;
  s.games_in_flight = 8;
  s.batch_size = 4;
  s.threads = 3;
  std::vector<Pairing> pairings;
  for (int i = 0; i < 12; ++i) pairings.push_back({i % 4, (i + 1) % 4, "", static_cast<std::uint64_t>(i)});
  Pool<G> pool(options<G>(), s,
               {player(SearchKind::kPuct, 5, 0), player(SearchKind::kGumbel, 4, 1),
                player(SearchKind::kPuct, 3, kRollout), player(SearchKind::kPuct, 1, kRandom)},
               pairings);
  expect(play_out(pool, 2, pairings.size()).size() == pairings.size(), "a game of the match is missing");
}

// Batches so small, and threads so many, that batches come round again while other threads still hold on to them.
template <Game G>
void crowded() {
  for (std::uint64_t round = 0; round < 40; ++round) {
    PoolSettings s;
    s.games_in_flight = 2 + static_cast<int>(round % 4);
    s.batch_size = 2 + static_cast<int>(round % 2);
    s.threads = round % 4 == 1 ? 0 : 4 + static_cast<int>(round % 5);  // 0: the consumers search
    s.seed = round;
    s.most_finished = 1 + static_cast<int>(round % 7);
    std::vector<Pairing> pairings;
    for (int i = 0; i < 6; ++i) pairings.push_back({i % 2, (i + 1) % 2, "", static_cast<std::uint64_t>(i)});
    Pool<G> pool(options<G>(), s,
                 {player(SearchKind::kPuct, 3, 0), player(SearchKind::kGumbel, 2, round % 2 == 0 ? 1 : 0)}, pairings);
    const auto records =
        round % 3 == 0 ? play_out(pool, 2, pairings.size()) : play_out_on_lanes(pool, 3, pairings.size());
    for (const GameRecord& record : records) expect(!record.plies.empty(), "a game of the crowd is missing");
  }
}

// Leaves while games wait and workers run.
template <Game G>
void torn_down() {
  for (int batches = 0; batches < 4; ++batches) {
    PoolSettings s;
    s.games_in_flight = 16;
    s.batch_size = 8;
    s.threads = batches % 2 == 0 ? 3 : 0;
    std::vector<std::vector<float>> alive;
    Pool<G> pool(options<G>(), s, {player(SearchKind::kPuct, 8, 0)}, {});
    for (int i = 0; i < batches; ++i) {
      Batch* const batch = pool.next_batch(1.0, true);
      if (batch == nullptr) continue;
      alive.resize(alive.size() + 2);
      answer(*batch, pool.shape(), alive[alive.size() - 2], alive.back());
      const float* const logits = alive[alive.size() - 2].data();
      pool.finish(batch, {logits, pool.shape().policy_size, false, alive.back().data()});
    }
  }
}

// Several threads in one tree, from the start and on in a kept subtree: as many as there are, they find the same.
template <Game G>
void shared_tree(int simulations) {
  const typename G::Options o = options<G>();
  const Shape shape = G::shape(o);
  std::string first;
  for (const int threads : {2, 3, 1}) {
    Search<G> search(typename G::Position(o), SearchSettings{}, 1);
    std::string found;
    for (int move = 0; move < 3 && !search.position().outcome(); ++move) {
      search.begin(simulations, true);
      const auto value = [&](typename G::Position& leaf, std::uint64_t number) {
        Rng rng(7, number);
        return number % 8 == 0 ? rollout<G>(leaf, shape, rng) : 0.0F;
      };
      ParallelSearch<G, decltype(value)>(search, threads, value).run([] {});
      expect(search.tree().simulations() == simulations || search.tree().root_proof() != Proof::kNone,
             "a budget is not kept");
      for (const RootMove& m : search.tree().root_moves())
        found += std::to_string(search.tree().visits(m)) + ' ' + std::to_string(search.tree().q(m)) + ' ';
      search.play(best_move(search.tree()));
    }
    if (first.empty()) first = found;
    expect(found == first, std::string(G::kName) + ": a search depends on the number of threads");
  }
}

template <class... Games>
void every(std::tuple<Games...>* /*unused*/) {
  (
      [] {
        std::printf("%s ", std::string(Games::kName).c_str());
        std::fflush(stdout);
        random_play<Games>(3);
        self_play<Games>(8);
        matches<Games>();
        if constexpr (Games::kMaxMoves <= 50) crowded<Games>();  // short games
        torn_down<Games>();
        shared_tree<Games>(1500);
      }(),
      ...);
}

}  // namespace

int main() {
#ifdef AZ_OPEN_SPIEL
  for (const char* name : {"hex(board_size=5)", "othello", "breakthrough", "connect_four", "mancala", "dots_and_boxes",
                           "ultimate_tic_tac_toe", "oware", "clobber", "nine_mens_morris"}) {
    open_spiel_game = name;
    std::printf("%s ", name);
    std::fflush(stdout);
    random_play<az::open_spiel::OpenSpiel>(3);
    self_play<az::open_spiel::OpenSpiel>(8);
    matches<az::open_spiel::OpenSpiel>();
    torn_down<az::open_spiel::OpenSpiel>();
    shared_tree<az::open_spiel::OpenSpiel>(300);
  }
#else
  every(static_cast<connect4::Types*>(nullptr));
  every(static_cast<go::Types*>(nullptr));
  every(static_cast<chess::Types*>(nullptr));
  every(static_cast<shogi::Types*>(nullptr));
#endif
  std::puts("clean");
}
