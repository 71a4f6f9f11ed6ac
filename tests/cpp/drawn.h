// Shared by the programs that drive the core: the columns of a training batch, and what must hold of what is drawn.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cpp/sampler/sampler.h"
#include "games/game.h"

namespace az::testing {

// A batch of `rows` positions, as sample() is to write it with these settings.
class DrawnBatch {
 public:
  DrawnBatch(const Shape& shape, std::vector<Column> columns, std::size_t rows)
      : shape_(shape), columns_(std::move(columns)) {
    for (const Column& column : columns_) memory_.emplace_back(rows * column.row_bytes() / 8 + 1);
    for (std::vector<std::uint64_t>& each : memory_) out_.push_back(each.data());
    rows_ = rows;
  }

  [[nodiscard]] const std::vector<void*>& out() const { return out_; }

  // What is wrong with the targets; empty: nothing.
  [[nodiscard]] std::string fault() const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::size_t size = rows_ * columns_[i].row_size;
      if (columns_[i].type == Column::Type::kFloat) {
        const auto* const values = static_cast<const float*>(out_[i]);
        for (std::size_t at = 0; at < size; ++at)
          if (!std::isfinite(values[at])) return std::string(columns_[i].name) + ": a target that is no number";
      } else if (columns_[i].type == Column::Type::kInt32) {
        const auto* const indices = static_cast<const std::int32_t*>(out_[i]);
        for (std::size_t at = 0; at < size; ++at)
          if (indices[at] < 0 || indices[at] >= shape_.policy_size) return "a target beyond the policy";
      }
    }
    return {};
  }

 private:
  Shape shape_;
  std::vector<Column> columns_;
  std::size_t rows_ = 0;
  std::vector<std::vector<std::uint64_t>> memory_;  // of each column
  std::vector<void*> out_;
};

}  // namespace az::testing
