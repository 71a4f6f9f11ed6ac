#include "cpp/bind/sampler.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "cpp/bind/alone.h"
#include "cpp/bind/convert.h"
#include "cpp/bind/face.h"
#include "cpp/bind/rules.h"

namespace az::bind {
namespace {

struct PySampler {
  std::shared_ptr<GameFace> game;
  Alone<SamplerFace, Meet::kWait> face;
};

constexpr const char* kSample = R"(n positions to train on, as a dict of arrays, float32 where nothing else is said.

Each position is equally likely but for the share `surprise`, which is drawn in proportion to
their surprise. All is for the side to move, and the same for any number of threads.

planes [n, C, H, W]; packed: instead bits and scalars, as Pool.packed() gives them.
policy_index (int32), policy [n, M]: moves and their shares, 0 where not used; policy_weight [n].
wdl [n, 3]: the outcome, blended with the search's value by value_blend.
ownership [n, H, W], score [n], plies_left [n]: they say nothing where ended [n] is 0, the game
being resigned or cut off.
reply: also reply_index, reply and reply_weight, the policy of the opponent's next search.)";
constexpr const char* kAdd = R"(Takes GameRecord.to_bytes(); returns how many of its positions can be drawn.

ValueError: the record is broken.)";

py::dict sample(PySampler& s, int n, std::uint64_t seed, bool symmetry, float value_blend, float surprise, bool reply,
                bool packed, int threads) {
  check_within("sample: n", n, {1, 1 << 20});
  check_within("sample: value_blend", value_blend, {0, 1});
  check_within("sample: surprise", surprise, {0, 1});
  check_within("sample: threads", threads, {1, 1024});
  const Shape shape = s.game->shape();
  const py::ssize_t rows = n;
  const py::ssize_t most = s.face->listed();
  py::dict batch;
  // A new array of the batch, to be filled; `add` gives its memory.
  const auto add = [&batch]<class T>(const char* name, std::vector<py::ssize_t> dimensions, T /*kind*/) {
    py::array_t<T> array(std::move(dimensions));
    batch[name] = array;
    return array.mutable_data();
  };
  TrainingBatch out{};
  if (packed) {
    py::array_t<std::uint64_t> bits({rows, size(shape.bit_planes), size(shape.words())});
    out.bits = bits.mutable_data();
    batch["bits"] = bits.attr("view")("uint8");
    out.scalars = add("scalars", {rows, size(shape.scalar_planes)}, 0.0F);
  } else {
    out.planes = add("planes", {rows, size(shape.planes()), size(shape.height), size(shape.width)}, 0.0F);
  }
  out.policy_index = add("policy_index", {rows, most}, std::int32_t{});
  out.policy = add("policy", {rows, most}, 0.0F);
  out.policy_weight = add("policy_weight", {rows}, 0.0F);
  out.wdl = add("wdl", {rows, 3}, 0.0F);
  out.ownership = add("ownership", {rows, size(shape.height), size(shape.width)}, 0.0F);
  out.score = add("score", {rows}, 0.0F);
  out.plies_left = add("plies_left", {rows}, 0.0F);
  out.ended = add("ended", {rows}, 0.0F);
  if (reply) {
    out.reply_index = add("reply_index", {rows, most}, std::int32_t{});
    out.reply = add("reply", {rows, most}, 0.0F);
    out.reply_weight = add("reply_weight", {rows}, 0.0F);
  }
  {
    const py::gil_scoped_release release;
    s.face->sample(n, seed, {symmetry, value_blend, surprise, threads}, out);
  }
  return batch;
}

}  // namespace

void bind_sampler(py::module_& m) {
  py::class_<PySampler>(m, "Sampler", "Finished games in, training batches out.")
      .def(py::init(
               [](const PyGame& g) { return PySampler{g.face, Alone<SamplerFace, Meet::kWait>(g.face->sampler())}; }),
           py::arg("game"))
      .def(
          "add",
          [](PySampler& s, const py::bytes& record) { return s.face->add(static_cast<std::string_view>(record)); },
          py::arg("record"), kAdd)
      .def(
          "trim", [](PySampler& s, std::uint64_t window) { s.face->trim(window); }, py::arg("window"),
          "Keeps the newest `window` positions.")
      .def_property_readonly(
          "positions", [](const PySampler& s) { return s.face->positions(); }, "How many positions can be drawn.")
      .def_property_readonly(
          "games", [](const PySampler& s) { return s.face->games(); }, "How many games they are from.")
      .def("sample", &sample, py::arg("n"), py::arg("seed"), py::arg("symmetry") = true, py::arg("value_blend") = 0.0F,
           py::arg("surprise") = 0.0F, py::arg("reply") = true, py::arg("packed") = false, py::arg("threads") = 1,
           kSample);
}

}  // namespace az::bind
