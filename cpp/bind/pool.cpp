#include "cpp/bind/pool.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cpp/bind/convert.h"
#include "cpp/bind/face.h"
#include "cpp/bind/rules.h"
#include "cpp/bind/search.h"

namespace az::bind {
namespace {

// A threshold as Python writes it: -1 and less mean never.
std::optional<float> resign_below(double value) {
  return value <= -1.0 ? std::nullopt : std::optional(static_cast<float>(value));
}

PlayerSettings to_player(const py::dict& d) {
  PlayerSettings p;
  Settings from(d, "player");
  read_search(from, p.search);
  from.number("evaluator", p.evaluator, {kRandom, 4095});
  from.flag("noise", p.noise);
  from.number("temperature_plies", p.temperature_plies, {0, kMostSimulations});
  from.number("temperature", p.temperature, {0, 1e6});
  from.number("full_fraction", p.full_fraction, {0, 1});
  from.number("fast_simulations", p.fast_simulations, {0, kMostSimulations});
  double resign_threshold = -2.0;
  from.number("resign_threshold", resign_threshold, {-1000, 1000});
  p.resign_below = resign_below(resign_threshold);
  from.number("resign_keep", p.resign_keep, {0, 1});
  from.refuse_unknown();
  if (p.full_fraction < 1.0 && p.fast_simulations < 1)
    throw std::invalid_argument("player: fast_simulations must be >= 1 where full_fraction is below 1");
  return p;
}

// `resignation` is what Pool.set_resignation() says, from the first game on.
PoolSettings to_pool(const py::dict& d, double& resignation) {
  PoolSettings p;
  Settings from(d, "pool");
  from.number("games_in_flight", p.games_in_flight, {1, 65536});
  from.number("batch_size", p.batch_size, {1, 16384});
  from.number("threads", p.threads, {0, 1024});
  from.name("seed", p.seed);
  from.number("games", p.games, {-1, 0x1p62});
  from.name("first_game", p.first_game);
  from.number("opening_plies", p.opening_plies, {0, 10000});
  from.texts("starts", p.starts);
  from.number("start_share", p.start_share, {0, 1});
  from.flag("symmetry", p.symmetry);
  from.flag("record_policy", p.record_policy);
  from.name("version", p.version);
  from.number("simulations", p.simulations, {0, kMostSimulations});
  from.number("resignation", resignation, {-1000, 1000});
  p.layout = static_cast<Layout>(from.choice("layout", {"float32", "bfloat16", "packed"}, 0));
  from.number("cache_megabytes", p.cache_megabytes, {0, 1 << 20});
  from.number("most_finished", p.most_finished, {1, 1 << 20});
  from.refuse_unknown();
  return p;
}

// --- what Python holds ---

struct PyPool {
  std::shared_ptr<GameFace> game;
  Shape shape;
  std::map<Batch*, std::pair<F32, F32>> answers;  // kept alive while workers read them
  std::shared_ptr<PoolFace> face;                 // nullptr: closed
  std::optional<float> own_resign_below;          // of player 0, as its settings say

  PyPool(std::shared_ptr<GameFace> its_game, std::shared_ptr<PoolFace> pool, std::optional<float> resigns_below)
      : game(std::move(its_game)), shape(game->shape()), face(std::move(pool)), own_resign_below(resigns_below) {}
  PyPool(const PyPool&) = delete;
  PyPool& operator=(const PyPool&) = delete;
  ~PyPool() {
    if (face) face->stop();  // batches may keep the pool; nothing in it moves any more
  }

  // A copy, so that a pool that is closed meanwhile by another thread stays whole for this one.
  [[nodiscard]] std::shared_ptr<PoolFace> open() const {
    if (!face) throw std::invalid_argument("pool: it is closed");
    return face;
  }
};
// A batch on its way to the evaluator. It keeps the memory that it and its arrays are views of.
struct PyBatch {
  std::shared_ptr<PoolFace> pool;
  Batch* batch;
  std::uint64_t serial;
};

// The batch, as long as `p` waits for its answer.
Batch& on_its_way(const PyPool& p, const PyBatch& b) {
  if (p.open() != b.pool) throw std::invalid_argument("pool: this batch is another pool's");
  if (b.batch->serial != b.serial) throw std::invalid_argument("pool: this batch is finished already");
  return *b.batch;
}

// An answer array must be float32, C-contiguous and [rows, columns].
void check_shape(const F32& a, int rows, int columns, const char* name) {
  if (a.ndim() != 2 || a.shape(0) != rows || a.shape(1) != columns)
    throw std::invalid_argument(std::string("finish: ") + name + " must be [" + std::to_string(rows) + ", " +
                                std::to_string(columns) + "]");
}

// --- records ---

// float32 [plies]: what `of` says of each ply.
template <class Of>
py::array_t<float> per_ply(const GameRecord& g, Of&& of) {
  py::array_t<float> out(static_cast<py::ssize_t>(g.plies.size()));
  for (std::size_t i = 0; i < g.plies.size(); ++i) out.mutable_data()[i] = of(g.plies[i]);
  return out;
}

constexpr const char* kOfGame = R"(A game that others played, to learn from.

moves: as text. value: +1, 0 or -1 for the first player. start: the text of its start position; "": the
game's own. Each move is its position's policy target. Where the rules find no end with this value, as
where somebody resigned or dead stones were left, the game teaches moves and value alone; what comes
after an end by the rules is left out. ValueError names an illegal move.)";

void bind_record(py::module_& m) {
  py::class_<GameRecord>(m, "GameRecord", "A finished game: moves, search results, outcome.")
      .def_readonly("number", &GameRecord::number, "The game's name: its random numbers follow from it and the seed.")
      .def_readonly("first", &GameRecord::first, "Index of the first player in the pool's list.")
      .def_readonly("second", &GameRecord::second, "Index of the second player in the pool's list.")
      .def_readonly("version", &GameRecord::version, "Version of the weights when the game began.")
      .def_readonly("start", &GameRecord::start, "Text of the start position; empty: the game's own.")
      .def_readonly("value", &GameRecord::value, "+1, 0 or -1 for the first player.")
      .def_property_readonly(
          "score", [](const GameRecord& g) { return g.has_score ? std::optional<float>(g.score) : std::nullopt; },
          "The first player's margin in points, or None.")
      .def_readonly("reason", &GameRecord::reason, "How it ended: an Outcome's word, or \"resign\".")
      .def_readonly("to_the_end", &GameRecord::to_the_end, "Nobody could resign in it.")
      .def_readonly("stands_for", &GameRecord::stands_for,
                    "1, or 1 / resign_keep where a side would have resigned and was kept from it.")
      .def_property_readonly(
          "plies", [](const GameRecord& g) { return g.plies.size(); }, "How many moves were played.")
      .def_property_readonly(
          "searched_plies",
          [](const GameRecord& g) {
            return std::count_if(g.plies.begin(), g.plies.end(), [](const PlyRecord& p) {
              return p.kind == PlyKind::kFull || p.kind == PlyKind::kFast;
            });
          },
          "Plies with a search: the positions that can be drawn for training.")
      .def_property_readonly(
          "root_values",
          [](const GameRecord& g) { return per_ply(g, [](const PlyRecord& p) { return p.root_value; }); },
          "float32 [plies]: the search's value for the side to move; 0 where nothing was searched.")
      .def_property_readonly(
          "kinds",
          [](const GameRecord& g) {
            std::vector<int> out;
            for (const PlyRecord& p : g.plies) out.push_back(static_cast<int>(p.kind));
            return out;
          },
          "Per ply: 0 opening, 1 forced, 2 fast search, 3 full search.")
      .def_property_readonly(
          "surprises", [](const GameRecord& g) { return per_ply(g, [](const PlyRecord& p) { return p.surprise; }); },
          "float32 [plies]: KL(policy target || prior) in nats; 0 where there is no policy target.")
      .def(
          "policies", [](const GameRecord& g, const PyGame& game) { return game.face->record_policies(g); },
          py::arg("game"), "Per ply the policy target by move, {} where there is none.")
      .def(
          "turns",
          [](const GameRecord& g, const PyGame& game) {
            const std::vector<std::int8_t> turns = game.face->record_turns(g);
            return py::array_t<std::int8_t>(static_cast<py::ssize_t>(turns.size()), turns.data());
          },
          py::arg("game"), "int8 [plies]: who moved, 0 the first player, 1 the other.")
      .def(
          "moves", [](const GameRecord& g, const PyGame& game) { return game.face->record_moves(g); }, py::arg("game"),
          "The moves as text.")
      .def(
          "to_bytes", [](const GameRecord& g) { return py::bytes(serialize(g)); }, "The record as it is kept in files.")
      .def_static(
          "of_game",
          [](const PyGame& game, const std::vector<std::string>& moves, int value, const std::string& start,
             std::uint64_t number) {
            if (value < -1 || value > 1) throw std::invalid_argument("of_game: value must be -1, 0 or 1");
            return game.face->record_of(start, moves, value, number);
          },
          py::arg("game"), py::arg("moves"), py::arg("value"), py::arg("start") = "", py::arg("number") = 0, kOfGame)
      .def_static(
          "from_bytes", [](const py::bytes& bytes) { return deserialize(static_cast<std::string_view>(bytes)); },
          py::arg("data"), "Reads to_bytes(); ValueError says what is broken.");
}

// --- batches ---

constexpr const char* kPacked = R"(The batch as (bits, scalars), views.

bits: uint8 [n, bit planes, bytes]; cell c of a plane is bit c % 8 of byte c / 8. scalars: float32
[n, scalar planes]; these planes, one number each, come after the bit planes.)";
constexpr const char* kLegal = R"(int32 [n, most moves], a view: policy indices of the legal moves.

They are the first legal_count() of each row.)";
constexpr const char* kFinish = R"(The answer to a batch; its games move on.

logits: float32 [n, policy_size]; gathered: [n, L] of the legal moves alone, in the order of
legal(). wdl: float32 [n, 3], probabilities of win, draw and loss for the side to move.
ValueError where that is no answer: the batch then still waits for one.)";

py::array planes(const PyPool& p, const PyBatch& b) {
  const Batch& batch = on_its_way(p, b);
  const std::vector<py::ssize_t> shape = {size(batch.written.load()), size(p.shape.planes()), size(p.shape.height),
                                          size(p.shape.width)};
  if (!batch.planes.empty()) return py::array_t<float>(shape, batch.planes.data(), py::cast(&b));
  if (batch.halves.empty()) throw std::invalid_argument("planes: this pool packs its batches");
  return py::array_t<std::uint16_t>(shape, batch.halves.data(), py::cast(&b));
}

py::tuple packed(const PyPool& p, const PyBatch& b) {
  const Batch& batch = on_its_way(p, b);
  if (batch.bits.empty()) throw std::invalid_argument("packed: this pool's batches hold planes of numbers");
  const py::object owner = py::cast(&b);
  const py::ssize_t n = size(batch.written.load());
  return py::make_tuple(py::array_t<std::uint8_t>({n, size(p.shape.bit_planes), size(8 * p.shape.words())},
                                                  reinterpret_cast<const std::uint8_t*>(batch.bits.data()), owner),
                        py::array_t<float>({n, size(p.shape.numbers())}, batch.scalars.data(), owner));
}

py::array_t<std::int32_t> legal(const PyPool& p, const PyBatch& b) {
  const Batch& batch = on_its_way(p, b);
  return py::array_t<std::int32_t>({size(batch.written.load()), size(batch.max_moves)}, batch.legal.data(),
                                   py::cast(&b));
}

py::array_t<std::int32_t> legal_count(const PyPool& p, const PyBatch& b) {
  const Batch& batch = on_its_way(p, b);
  return py::array_t<std::int32_t>({size(batch.written.load())}, batch.legal_count.data(), py::cast(&b));
}

void finish(PyPool& p, const PyBatch& b, const F32& logits, const F32& wdl, bool gathered) {
  Batch& batch = on_its_way(p, b);
  int width = p.shape.policy_size;
  if (gathered) {  // as wide as the caller likes, if every legal move is there
    const std::int32_t* const counts = batch.legal_count.data();
    const int most = *std::max_element(counts, counts + batch.written.load());
    width = logits.ndim() == 2 ? std::max(most, static_cast<int>(logits.shape(1))) : most;
  }
  check_shape(logits, batch.written.load(), width, "logits");
  check_shape(wdl, batch.written.load(), 3, "wdl");
  batch.serial = 0;  // finished: from here on nobody else's answer is taken
  p.answers[&batch] = {logits, wdl};
  const py::gil_scoped_release release;
  try {
    b.pool->finish(&batch, {logits.data(), width, gathered, wdl.data()});
  } catch (...) {
    batch.serial = b.serial;  // it still waits
    throw;
  }
}

void bind_batch(py::class_<PyBatch>& batch, py::class_<PyPool>& pool) {
  batch
      .def_property_readonly(
          "evaluator", [](const PyBatch& b) { return b.batch->evaluator; },
          "Which of the players' evaluators it is for.")
      .def("__len__", [](const PyBatch& b) { return b.batch->written.load(); }, "How many leaves it holds.");
  pool.def("planes", &planes, py::arg("batch"),
           "float32 [n, C, H, W], a view; uint16 where the pool's layout is bfloat16: the bits of such numbers.")
      .def("packed", &packed, py::arg("batch"), kPacked)
      .def("legal", &legal, py::arg("batch"), kLegal)
      .def("legal_count", &legal_count, py::arg("batch"), "int32 [n], a view: how many legal moves each row has.")
      .def("finish", &finish, py::arg("batch"), py::arg("logits"), py::arg("wdl"), py::arg("gathered") = false,
           kFinish);
}

// --- the pool ---

constexpr const char* kNextBatch = R"(The next batch to evaluate, or None.

None: all games are over, all that remains waits for finish(), or the time is up. partial=False:
only a full batch. shared=True: other threads answer batches, too, so what waits for them is
waited for. In a pool with threads=0 the caller moves games on until there is a batch; that may take
as long as the search of one move.)";
constexpr const char* kSetResignation = R"(Self-play resigns below this root value from now on.

-1 and less: never. Above 0: as the player's settings say.)";
constexpr const char* kClose = R"(Ends all play; the pool cannot be used any more.

Batches that were given out stay readable.)";

std::unique_ptr<PyPool> make_pool(const PyGame& g, const py::dict& settings, const py::list& players,
                                  const py::list& pairings) {
  std::vector<PlayerSettings> all;
  for (const auto& each : players) all.push_back(to_player(py::cast<py::dict>(each)));
  std::vector<Pairing> pairs;
  for (const auto& each : pairings) {
    const auto t = py::cast<py::tuple>(each);
    const auto number = t.size() > 3 ? py::cast<std::uint64_t>(t[3]) : static_cast<std::uint64_t>(pairs.size());
    pairs.push_back({py::cast<int>(t[0]), py::cast<int>(t[1]), py::cast<std::string>(t[2]), number});
  }
  double resignation = 1.0;
  const PoolSettings pool = to_pool(settings, resignation);
  const std::optional<float> own = all.empty() ? std::nullopt : all.front().resign_below;
  if (pairs.empty() && !all.empty() && resignation <= 0.0) all.front().resign_below = resign_below(resignation);
  return std::make_unique<PyPool>(g.face, g.face->pool(pool, all, pairs), own);
}

py::object next_batch(PyPool& p, double seconds, bool partial, bool shared) {
  if (!(seconds >= 0.0)) throw std::invalid_argument("next_batch: seconds must be >= 0");
  auto face = p.open();
  Batch* batch = nullptr;
  {
    const py::gil_scoped_release release;
    batch = face->next_batch(seconds, partial, shared);
  }
  if (batch == nullptr) return py::none();
  return py::cast(PyBatch{std::move(face), batch, batch->serial});
}

py::dict counts(PyPool& p) {
  const PoolCounts c = p.open()->counts();
  py::dict out;
  out["simulations"] = c.simulations;
  out["evaluations"] = c.evaluations;
  out["cache_hits"] = c.cache_hits;
  out["batches"] = c.batches;
  out["plies"] = c.plies;
  out["games"] = c.games;
  out["nodes"] = c.nodes;
  out["tree_bytes"] = c.tree_bytes;
  return out;
}

void close(PyPool& p) {
  const std::shared_ptr<PoolFace> face = std::move(p.face);
  p.face = nullptr;
  if (!face) return;
  {
    const py::gil_scoped_release release;
    face->stop();
  }
  p.answers.clear();
}

void bind_pool_itself(py::class_<PyPool>& pool) {
  pool.def(py::init(&make_pool), py::arg("game"), py::arg("settings"), py::arg("players"),
           py::arg("pairings") = py::list())
      .def("next_batch", &next_batch, py::arg("seconds") = 0.5, py::arg("partial") = true, py::arg("shared") = false,
           kNextBatch)
      .def(
          "take_finished", [](PyPool& p) { return p.open()->take_finished(); },
          "The games finished since the last call.")
      .def_property_readonly(
          "done", [](PyPool& p) { return p.open()->done(); }, "Whether all games are over.")
      .def_property_readonly(
          "board", [](const PyPool& p) { return py::make_tuple(p.shape.height, p.shape.width); },
          "(H, W) of the positions.")
      .def_property_readonly(
          "all_parked", [](PyPool& p) { return p.open()->all_parked(); }, "Whether every game waits for finish().")
      .def(
          "set_version", [](PyPool& p, std::uint64_t v) { p.open()->set_version(v); }, py::arg("version"),
          "Weights of this version answer from now on, and play the games that begin.")
      .def(
          "set_simulations",
          [](PyPool& p, int n) {
            check_within("set_simulations", n, {0, kMostSimulations});
            p.open()->set_simulations(n);
          },
          py::arg("simulations"),
          "Self-play searches with so many from its next move on; 0: as the player's settings say.")
      .def(
          "set_resignation",
          [](PyPool& p, double value) {
            check_within("set_resignation", value, {-1000, 1000});
            p.open()->set_resign_below(value > 0.0 ? p.own_resign_below : resign_below(value));
          },
          py::arg("value"), kSetResignation)
      .def_property_readonly("counts", &counts, "What was done so far: games, plies, simulations and so on, by name.")
      .def("close", &close, kClose);
}

}  // namespace

void bind_pool(py::module_& m) {
  m.attr("UNIFORM") = kUniform;
  m.attr("ROLLOUT") = kRollout;
  m.attr("RANDOM") = kRandom;
  bind_record(m);
  py::class_<PyBatch> batch(m, "Batch", "Leaves to evaluate; its arrays are views that are valid until finish().");
  py::class_<PyPool> pool(m, "Pool", "Many games at a time, their leaves packed into batches.");
  bind_batch(batch, pool);
  bind_pool_itself(pool);
}

}  // namespace az::bind
