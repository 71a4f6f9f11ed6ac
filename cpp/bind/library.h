// A library of games that is compiled outside the core and loaded while it runs: its games have all that ours have.
//
//   #include "cpp/bind/library.h"
//   #include "gomoku.h"                    // satisfies games/game.h
//   ALPHAZERO_GAMES(std::tuple<Gomoku>)    // what the library exports
//
// The library holds the search, the pool and the sampler made for its games. What crosses to the core is the virtual
// faces of face.h, so both must be compiled with the same of these headers and with one C++ standard library: the stamp
// says with which, and the core refuses another. There is no Python in it.
#pragma once

#include <type_traits>

#include "cpp/bind/face_of.h"
#include "cpp/bind/stamp.h"

#define ALPHAZERO_GAMES(...)                                                                             \
  extern "C" __attribute__((visibility("default"))) const char* alphazero_stamp() { return az::kStamp; } \
  extern "C" __attribute__((visibility("default"))) void alphazero_games(az::Registry* registry) {       \
    az::register_types(*registry, std::type_identity<__VA_ARGS__>{});                                    \
  }                                                                                                      \
  static_assert(true)
