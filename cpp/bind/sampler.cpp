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

// A new array of the batch, to be filled; returns its memory.
void* add(py::dict& batch, const Column& column, int n) {
  std::vector<py::ssize_t> dimensions{n};
  for (const int each : column.row) dimensions.push_back(each);
  const auto make = [&]<class T>(T /*kind*/, const char* view) -> void* {
    py::array_t<T> array(dimensions);
    batch[column.name] = view == nullptr ? py::object(array) : array.attr("view")(view);
    return array.mutable_data();
  };
  switch (column.type) {
    case Column::Type::kInt32:
      return make(std::int32_t{}, nullptr);
    case Column::Type::kBits:
      return make(std::uint64_t{}, "uint8");
    default:
      return make(0.0F, nullptr);
  }
}

py::dict sample(PySampler& s, int n, std::uint64_t seed, bool symmetry, float value_blend, float surprise, bool reply,
                bool packed, int threads) {
  check_within("sample: n", n, {1, 1 << 20});
  check_within("sample: value_blend", value_blend, {0, 1});
  check_within("sample: surprise", surprise, {0, 1});
  check_within("sample: threads", threads, {1, 1024});
  const SampleSettings settings{.symmetry = symmetry,
                                .value_blend = value_blend,
                                .surprise = surprise,
                                .reply = reply,
                                .packed = packed,
                                .threads = threads};
  py::dict batch;
  std::vector<void*> memory;
  for (const Column& column : s.face->columns(settings)) memory.push_back(add(batch, column, n));
  {
    const py::gil_scoped_release release;
    s.face->sample(n, seed, settings, memory);
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
