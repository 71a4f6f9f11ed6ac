// Reads a game's options from what a user gave, naming what is wrong and what would be right.
#pragma once

#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "games/game.h"

namespace az {

// Usage: OptionReader read("go", map); int n = read.integer("board_size", 9, 2, 19); ...; read.finish();
class OptionReader {
 public:
  OptionReader(std::string_view game, const OptionMap& map) : game_(game), map_(map) {}

  int integer(const std::string& name, int fallback, int low, int high) {
    const OptionValue* value = find(name);
    if (value == nullptr) return fallback;
    const auto* number = std::get_if<std::int64_t>(value);
    const std::string wanted = "an integer in " + std::to_string(low) + ".." + std::to_string(high);
    if (number == nullptr || *number < low || *number > high) fail(name, wanted, *value);
    return static_cast<int>(*number);
  }

  double number(const std::string& name, double fallback, double low, double high) {
    const OptionValue* value = find(name);
    if (value == nullptr) return fallback;
    double x = std::nan("");
    if (const auto* real = std::get_if<double>(value)) x = *real;
    if (const auto* whole = std::get_if<std::int64_t>(value)) x = static_cast<double>(*whole);
    if (!(x >= low && x <= high)) fail(name, "a number in " + show(low) + ".." + show(high), *value);
    return x;
  }

  bool boolean(const std::string& name, bool fallback) {
    const OptionValue* value = find(name);
    if (value == nullptr) return fallback;
    const auto* flag = std::get_if<bool>(value);
    if (flag == nullptr) fail(name, "true or false", *value);
    return *flag;
  }

  // Some text; `wanted` says which, where it is not given and there is no fallback.
  std::string text(const std::string& name, const std::string& fallback, const std::string& wanted) {
    const OptionValue* value = find(name);
    if (value == nullptr && fallback.empty())
      throw std::invalid_argument(std::string(game_) + ": option '" + name + "' is needed: " + wanted);
    if (value == nullptr) return fallback;
    const auto* given = std::get_if<std::string>(value);
    if (given == nullptr) fail(name, wanted, *value);
    return *given;
  }

  // One of `names`; returns its index.
  int choice(const std::string& name, int fallback, std::initializer_list<const char*> names) {
    const OptionValue* value = find(name);
    if (value == nullptr) return fallback;
    const auto* text = std::get_if<std::string>(value);
    std::string wanted = "one of";
    int index = 0;
    for (const char* each : names) {
      if (text != nullptr && *text == each) return index;
      wanted += std::string(index++ == 0 ? " " : ", ") + "\"" + each + "\"";
    }
    fail(name, wanted, *value);
  }

  // Call last: refuses options that nothing above asked for.
  void finish() const {
    for (const auto& [name, value] : map_) {
      if (known_.contains(name)) continue;
      std::string list;
      for (const std::string& each : known_) list += (list.empty() ? "" : ", ") + each;
      throw std::invalid_argument(std::string(game_) + ": unknown option '" + name + "'; " +
                                  (list.empty() ? "this game has none" : "options are: " + list));
    }
  }

 private:
  const OptionValue* find(const std::string& name) {
    known_.insert(name);
    const auto at = map_.find(name);
    return at == map_.end() ? nullptr : &at->second;
  }
  static std::string show(double x) {
    std::string text = std::to_string(x);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  }
  [[noreturn]] void fail(const std::string& name, const std::string& wanted, const OptionValue& got) const {
    struct {
      std::string operator()(bool x) const { return x ? "true" : "false"; }
      std::string operator()(std::int64_t x) const { return std::to_string(x); }
      std::string operator()(double x) const { return show(x); }
      std::string operator()(const std::string& x) const { return "'" + x + "'"; }
    } text;
    throw std::invalid_argument(std::string(game_) + ": " + name + " must be " + wanted + ", got " +
                                std::visit(text, got));
  }

  std::string_view game_;
  const OptionMap& map_;
  std::set<std::string> known_;
};

}  // namespace az
