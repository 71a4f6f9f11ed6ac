#include "cpp/bind/convert.h"

#include <algorithm>

namespace az::bind {
namespace {

[[noreturn]] void refuse(const std::string& name, const char* kind, const Bounds& bounds, const std::string& got) {
  throw std::invalid_argument(name + " must be " + kind + " from " + plain(bounds.low) + " to " + plain(bounds.high) +
                              ", got " + got);
}

}  // namespace

std::string utf8(const py::handle& text) {
  const auto bytes = py::reinterpret_steal<py::bytes>(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "replace"));
  if (!bytes) throw py::error_already_set();
  return std::string(bytes);
}
void set_error(PyObject* type, std::string what) {
  for (char& c : what)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  const auto text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(what.data(), static_cast<py::ssize_t>(what.size()), "replace"));
  if (text) PyErr_SetObject(type, text.ptr());
}
std::string shown(const py::handle& value) {
  std::string text = py::repr(value).cast<std::string>();
  return text.size() > 40 ? text.substr(0, 40) + "..." : text;
}

std::int64_t whole_number(const py::handle& value, const std::string& name, const Bounds& bounds) {
  if (py::isinstance<py::bool_>(value) || PyIndex_Check(value.ptr()) == 0)
    refuse(name, "a whole number", bounds, shown(value));
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!index) throw py::error_already_set();
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) refuse(name, "a whole number", bounds, overflow > 0 ? "a greater one" : "a smaller one");
  if (static_cast<double>(number) < bounds.low || static_cast<double>(number) > bounds.high)
    refuse(name, "a whole number", bounds, std::to_string(number));
  return number;
}
double real_number(const py::handle& value, const std::string& name, const Bounds& bounds) {
  double number = 0.0;
  if (py::isinstance<py::bool_>(value) || py::isinstance<py::str>(value))
    refuse(name, "a number", bounds, shown(value));
  number = PyFloat_AsDouble(value.ptr());
  if (PyErr_Occurred() != nullptr) {
    const bool overflow = PyErr_ExceptionMatches(PyExc_OverflowError) != 0;
    PyErr_Clear();
    refuse(name, "a number", bounds, overflow ? "one without end" : shown(value));
  }
  if (!(number >= bounds.low && number <= bounds.high)) refuse(name, "a number", bounds, plain(number));
  return number;
}

void Settings::text(const char* name, std::string& into) {
  if (!has(name)) return;
  if (!py::isinstance<py::str>(from_[name]))
    throw std::invalid_argument(full(name) + " must be text, got " + shown(from_[name]));
  into = py::cast<std::string>(from_[name]);
}

int Settings::choice(const char* name, const std::vector<std::string>& names, int otherwise) {
  std::string given = names[static_cast<std::size_t>(otherwise)];
  text(name, given);
  const auto found = std::find(names.begin(), names.end(), given);
  if (found != names.end()) return static_cast<int>(found - names.begin());
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "\"" : " or \"") + each + '"';
  throw std::invalid_argument(full(name) + " must be " + list + ", got '" + given + "'");
}

void Settings::flag(const char* name, bool& into) {
  if (!has(name)) return;
  const int truth = PyObject_IsTrue(from_[name].ptr());
  if (truth < 0) throw py::error_already_set();
  into = truth != 0;
}

void Settings::name(const char* name, std::uint64_t& into) {
  if (!has(name)) return;
  const py::object value = from_[name];
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  const std::uint64_t number = index ? PyLong_AsUnsignedLongLong(index.ptr()) : 0;
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw std::invalid_argument(full(name) + " must be a whole number from 0 to 2^64 - 1, got " + shown(value));
  }
  into = number;
}

void Settings::texts(const char* name, std::vector<std::string>& into) {
  if (has(name)) into = py::cast<std::vector<std::string>>(from_[name]);
}

void Settings::refuse_unknown() const {
  for (const auto& [key, value] : from_) {
    const auto name = py::cast<std::string>(py::str(key));
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string list;
    for (const std::string& each : known_) list += (list.empty() ? "" : ", ") + each;
    throw std::invalid_argument(what_ + ": unknown setting '" + name + "'; settings are: " + list);
  }
}

}  // namespace az::bind
