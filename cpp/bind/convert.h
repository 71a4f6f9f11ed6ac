// Values on their way from Python: text, numbers within bounds, the settings of a dict, and errors on their way back.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpp/search/settings.h"
#include "games/game.h"

namespace az::bind {

namespace py = pybind11;
using F32 = py::array_t<float, py::array::c_style | py::array::forcecast>;

inline py::ssize_t size(int n) { return static_cast<py::ssize_t>(n); }

// A text as the rules read it: halves of surrogate pairs, which UTF-8 has no bytes for, become question marks.
std::string utf8(const py::handle& text);
// An error in one line. Its message may quote line ends of the user's, and half a character, which Python's own
// conversion would make another error of.
void set_error(PyObject* type, std::string what);
// A value as a message shows it.
std::string shown(const py::handle& value);

// A whole number of any size that Python knows, or std::invalid_argument. Bounds are below 2^63 in size.
std::int64_t whole_number(const py::handle& value, const std::string& name, const Bounds& bounds);
double real_number(const py::handle& value, const std::string& name, const Bounds& bounds);

// The settings of a dict, read by name; those that nobody read are unknown.
class Settings {
 public:
  Settings(const py::dict& from, std::string what) : from_(from), what_(std::move(what)) {}

  void text(const char* name, std::string& into);
  void flag(const char* name, bool& into);
  // The number of the name that is given among `names`; `otherwise` where none is.
  int choice(const char* name, const std::vector<std::string>& names, int otherwise);
  template <class T>
  void number(const char* name, T& into, const Bounds& bounds) {
    if (!has(name)) return;
    if constexpr (std::is_integral_v<T>) {
      into = static_cast<T>(whole_number(from_[name], full(name), bounds));
    } else {
      into = static_cast<T>(real_number(from_[name], full(name), bounds));
    }
  }
  // 64 bits, none of which says more than another: the name of a game, random numbers or weights.
  void name(const char* name, std::uint64_t& into);
  void texts(const char* name, std::vector<std::string>& into);
  void refuse_unknown() const;

 private:
  bool has(const char* name) {
    known_.emplace_back(name);
    return from_.contains(name);
  }
  [[nodiscard]] std::string full(const char* name) const { return what_ + ": " + name; }

  const py::dict& from_;
  std::string what_;
  std::vector<std::string> known_;
};

}  // namespace az::bind
