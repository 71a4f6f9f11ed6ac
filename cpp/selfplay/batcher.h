// Batches of leaves, filled by many threads, taken by whoever runs the networks, and used again.
//
// A batch is being filled, then ready, then under way to its evaluator, then answered while the threads read its rows,
// then free. Every leaf of every game passes here, so rows are given out without a lock; what happens once a batch
// takes one.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "cpp/selfplay/batch.h"

namespace az {

class Batcher {
 public:
  struct Row {
    Batch* batch;
    std::size_t index;
  };

  Batcher(int evaluators, int capacity, const Shape& shape, int most_moves, Layout layout)
      : capacity_(capacity),
        shape_(shape),
        most_moves_(most_moves),
        layout_(layout),
        filling_(static_cast<std::size_t>(evaluators)) {}

  // --- For the threads that have leaves ---

  // A row of the batch that is being filled for this evaluator: write it, then publish().
  //
  // A count past the capacity says that the batch was full. A full batch stays in `filling_` until the next leaf comes,
  // even while it is answered, and fresh() may make it the one that is filled again. So a thread that counted up a
  // batch it had picked up long ago is right in every case: either the count refuses it, or the batch is the one that
  // is filled now. And whoever holds the lock looks again before replacing it.
  [[nodiscard]] Row reserve(int evaluator) {
    std::atomic<Batch*>& filling = filling_[static_cast<std::size_t>(evaluator)];
    for (;;) {
      Batch* batch = filling.load();
      if (batch != nullptr) {
        const int row = batch->reserved.fetch_add(1);
        if (row < batch->capacity) return {batch, static_cast<std::size_t>(row)};
      }
      const std::lock_guard lock(mutex_);
      batch = filling.load();
      if (batch == nullptr || batch->reserved.load() >= batch->capacity) filling.store(fresh(evaluator));
    }
  }
  // The row is complete; not to be touched again by this thread. True: the batch is full, and ready now.
  [[nodiscard]] bool publish(Batch& batch) {
    if (batch.written.fetch_add(1) + 1 < batch.capacity) return false;
    const std::lock_guard lock(mutex_);
    ready_.push_back(&batch);
    return true;
  }
  // A row of an answered batch was read; with its last one the batch is free.
  void release(Batch& batch) {
    if (batch.unread.fetch_sub(1) != 1) return;
    const std::lock_guard lock(mutex_);
    free_.push_back(&batch);
  }

  // --- For whoever answers ---

  [[nodiscard]] bool any_ready() const {
    const std::lock_guard lock(mutex_);
    return !ready_.empty();
  }
  // How many batches went out and have no answer yet.
  [[nodiscard]] int under_way() const {
    const std::lock_guard lock(mutex_);
    return under_way_;
  }
  // Whether take_fullest() would find one.
  [[nodiscard]] bool any_filled() const { return fullest() >= 0; }

  // The batch that has been ready the longest, on its way now; nullptr: none is ready.
  [[nodiscard]] Batch* take() {
    const std::lock_guard lock(mutex_);
    if (ready_.empty()) return nullptr;
    Batch* const batch = ready_.front();
    ready_.pop_front();
    return send(batch);
  }
  // The fullest of those being filled, on its way as it is; nullptr: no row is written. Only while no thread is inside
  // reserve() or between it and publish().
  [[nodiscard]] Batch* take_fullest() {
    const std::lock_guard lock(mutex_);
    const int evaluator = fullest();
    return evaluator < 0 ? nullptr : send(filling_[static_cast<std::size_t>(evaluator)].exchange(nullptr));
  }
  // The answer to a batch that is under way. From now on each of its rows is to be read, and released.
  void answer(Batch& batch, const Answer& answer) {
    const std::lock_guard lock(mutex_);
    batch.answer = answer;
    batch.serial = 0;
    batch.unread = batch.written.load();
    --under_way_;
  }

 private:
  // mutex_ is held in the two below.
  Batch* send(Batch* batch) {
    batch->serial = ++serials_;
    ++under_way_;
    return batch;
  }
  Batch* fresh(int evaluator) {
    const auto at =
        std::find_if(free_.begin(), free_.end(), [evaluator](const Batch* b) { return b->evaluator == evaluator; });
    if (at == free_.end()) {
      batches_.push_back(std::make_unique<Batch>(evaluator, capacity_, shape_, most_moves_, layout_));
      return batches_.back().get();
    }
    Batch* const batch = *at;
    free_.erase(at);
    batch->written = 0;
    batch->reserved = 0;  // last: from here on rows are given out again
    return batch;
  }

  // The evaluator whose batch that is being filled has the most rows; -1: none has any.
  [[nodiscard]] int fullest() const {
    int found = -1;
    int most = 0;
    for (std::size_t i = 0; i < filling_.size(); ++i) {
      const Batch* const batch = filling_[i].load();
      const int written = batch == nullptr ? 0 : batch->written.load();
      if (written <= most || written == batch->capacity) continue;  // a full one has gone out already
      most = written;
      found = static_cast<int>(i);
    }
    return found;
  }

  const int capacity_;
  const Shape shape_;
  const int most_moves_;
  const Layout layout_;
  std::vector<std::atomic<Batch*>> filling_;  // by evaluator; nullptr or perhaps full. Replaced under the lock.

  mutable std::mutex mutex_;  // guards all below
  std::vector<std::unique_ptr<Batch>> batches_;
  std::deque<Batch*> ready_;
  std::vector<Batch*> free_;
  std::uint64_t serials_ = 0;
  int under_way_ = 0;
};

}  // namespace az
