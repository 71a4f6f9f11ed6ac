// Game, Position and Outcome as Python knows them.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "cpp/bind/face.h"

namespace az::bind {

struct PyGame {
  std::shared_ptr<GameFace> face;
};
struct PyPosition {
  std::shared_ptr<GameFace> game;
  std::unique_ptr<PositionFace> face;
};
void bind_rules(pybind11::module_& m);

}  // namespace az::bind
