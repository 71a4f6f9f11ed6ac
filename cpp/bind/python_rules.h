// Rules written in Python, to try them out before they are written in C++: slow, and by the single search alone.
#pragma once

#include "cpp/bind/face.h"

namespace az::bind {

// Adds the game "python", whose option `rules` names the class: Game("python", rules="my_module:MyRules").
void register_python_rules(Registry& registry);

}  // namespace az::bind
