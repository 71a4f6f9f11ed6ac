// The batcher alone, with producers in place of games: whatever the threads do, every leaf goes out exactly once, in a
// batch for its evaluator, and comes back with its answer. Exits 1 where something does not hold.
#include "cpp/selfplay/batcher.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace az;

namespace {

constexpr int kMoves = 3;
const Shape kShape{.bit_planes = 1, .height = 2, .width = 2, .policy_size = 4};

void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "batcher: %s\n", what.c_str());
  std::exit(1);
}

// Writes leaf `name` where the batcher says; true: its batch is full.
bool park(Batcher& batcher, int evaluator, int name) {
  const auto [batch, row] = batcher.reserve(evaluator);
  expect(batch->evaluator == evaluator, "a row of another evaluator's batch");
  batch->slots[row] = name;
  batch->tickets[row] = -name;
  batch->legal_count[row] = 1;
  return batcher.publish(*batch);
}

std::vector<float> even_wdl(int rows) { return std::vector<float>(3 * static_cast<std::size_t>(rows), 1.0F / 3.0F); }

void a_batch_is_ready_when_it_is_full_and_not_before() {
  Batcher batcher(1, 3, kShape, kMoves, Layout::kFloat32);
  expect(!batcher.any_filled() && batcher.take_fullest() == nullptr, "a batch without a row");
  expect(!park(batcher, 0, 7) && !park(batcher, 0, 8), "two of three rows are no full batch");
  expect(!batcher.any_ready() && batcher.take() == nullptr && batcher.any_filled(), "ready, and not full");
  expect(park(batcher, 0, 9) && batcher.any_ready() && !batcher.any_filled(), "full, and not ready");
  Batch* const batch = batcher.take();
  expect(batch != nullptr && batch->written == 3 && batch->slots[0] == 7 && batch->slots[2] == 9, "other rows");
  expect(batcher.under_way() == 1 && !batcher.any_ready() && batch->serial == 1, "it is not on its way");
}

void the_fullest_goes_out_first_where_none_is_full() {
  Batcher batcher(3, 4, kShape, kMoves, Layout::kPacked);
  for (const int evaluator : {0, 1, 1, 2, 2, 2}) expect(!park(batcher, evaluator, evaluator), "full too early");
  for (const int evaluator : {2, 1, 0}) {
    Batch* const batch = batcher.take_fullest();
    expect(batch != nullptr && batch->evaluator == evaluator && batch->written == evaluator + 1, "not the fullest");
  }
  expect(batcher.take_fullest() == nullptr && batcher.under_way() == 3, "more than was written");
}

void a_full_batch_is_not_taken_as_one_that_is_being_filled() {
  Batcher batcher(2, 2, kShape, kMoves, Layout::kFloat32);
  expect(!park(batcher, 0, 1) && park(batcher, 0, 2) && !park(batcher, 1, 3), "two rows are full");
  Batch* const fullest = batcher.take_fullest();
  expect(fullest != nullptr && fullest->evaluator == 1, "the full batch goes out twice");
  expect(batcher.take() != fullest && batcher.take() == nullptr, "the full batch goes out twice, or never");
}

void a_batch_is_used_again_when_its_last_row_was_read_and_for_the_same_evaluator() {
  Batcher batcher(2, 2, kShape, kMoves, Layout::kFloat32);
  expect(!park(batcher, 0, 1) && park(batcher, 0, 2), "two rows are full");
  Batch* const first = batcher.take();
  const std::vector<float> logits(8, 0.0F);
  const std::vector<float> wdl = even_wdl(2);
  batcher.answer(*first, {logits.data(), 4, false, wdl.data()});
  expect(batcher.under_way() == 0 && first->serial == 0, "still on its way");
  batcher.release(*first);
  expect(!park(batcher, 0, 3) && park(batcher, 0, 4) && batcher.take() != first, "a row is still to be read");
  batcher.release(*first);
  expect(!park(batcher, 1, 5) && park(batcher, 1, 6) && batcher.take() != first, "the batch changes its evaluator");
  expect(!park(batcher, 0, 7) && park(batcher, 0, 8) && batcher.take() == first, "a free batch is not used again");
  expect(first->slots[0] == 7 && first->slots[1] == 8 && first->serial == 4, "rows of its last way");
}

void an_answer_that_is_none_is_refused() {
  Batcher batcher(1, 1, kShape, kMoves, Layout::kFloat32);
  expect(park(batcher, 0, 1), "one row is full");
  Batch& batch = *batcher.take();
  batch.legal[0] = 2;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [&batch](const std::vector<float>& logits, const std::vector<float>& wdl, bool gathered) {
    try {
      check_answer(batch, {logits.data(), static_cast<int>(logits.size()), gathered, wdl.data()});
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  const std::vector<float> even = even_wdl(1);
  expect(!refused({nan, nan, 0, nan}, even, false) && !refused({1.0F}, even, true), "logits nobody asks for");
  expect(refused({0, 0, nan, 0}, even, false) && refused({nan}, even, true), "logits that are no numbers");
  expect(refused({0, 0, std::numeric_limits<float>::infinity(), 0}, even, false), "logits without end");
  expect(refused({0, 0, 0, 0}, {nan, 0, 0}, false) && refused({0, 0, 0, 0}, {2, 0, -1}, false), "no probabilities");
}

// Every producer has one leaf in the air at a time, as a game has, so small batches come round again and again.
void every_leaf_goes_out_once_whatever_the_threads(int producers, int evaluators, int capacity, int leaves) {
  Batcher batcher(evaluators, capacity, kShape, kMoves, Layout::kFloat32);
  std::vector<std::atomic<Batch*>> answered(static_cast<std::size_t>(producers));  // by producer: the batch to read
  std::vector<std::thread> threads;
  std::atomic<int> waiting = 0;  // producers whose leaf is in a batch, or that are through
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < leaves; ++i) {
        (void)park(batcher, (p + i) % evaluators, p);
        ++waiting;
        std::atomic<Batch*>& mine = answered[static_cast<std::size_t>(p)];
        Batch* batch = nullptr;
        while ((batch = mine.exchange(nullptr)) == nullptr) std::this_thread::yield();
        expect(batch->evaluator == (p + i) % evaluators, "the answer of another evaluator");
        batcher.release(*batch);
      }
      ++waiting;
    });
  }
  const std::vector<float> logits(static_cast<std::size_t>(capacity) * 4, 0.0F);
  const std::vector<float> wdl = even_wdl(capacity);
  std::set<const Batch*> seen;
  for (std::int64_t left = std::int64_t{producers} * leaves; left > 0;) {
    Batch* batch = batcher.take();
    if (batch == nullptr && waiting == producers) {
      batch = batcher.take();  // the last leaf may have filled one
      if (batch == nullptr) batch = batcher.take_fullest();
      expect(batch != nullptr, "a leaf is lost");
    }
    if (batch == nullptr) {
      std::this_thread::yield();
      continue;
    }
    seen.insert(batch);
    const int rows = batch->written;
    expect(rows >= 1 && rows <= capacity, "rows that are none");
    left -= rows;
    std::vector<std::int32_t> of(batch->slots.begin(), batch->slots.begin() + rows);
    expect(std::set<std::int32_t>(of.begin(), of.end()).size() == of.size(), "two leaves of one producer");
    for (std::size_t row = 0; row < of.size(); ++row) expect(batch->tickets[row] == -of[row], "a row of two leaves");
    batcher.answer(*batch, {logits.data(), 4, false, wdl.data()});
    for (const std::int32_t producer : of) {
      --waiting;
      expect(answered[static_cast<std::size_t>(producer)].exchange(batch) == nullptr, "a leaf went out twice");
    }
  }
  for (std::thread& thread : threads) thread.join();
  expect(batcher.take() == nullptr && batcher.take_fullest() == nullptr && batcher.under_way() == 0,
         "leaves of nobody");
  const int most = evaluators * (2 + producers / capacity) + producers;
  expect(static_cast<int>(seen.size()) <= most, "batches are not used again");
}

}  // namespace

int main() {
  a_batch_is_ready_when_it_is_full_and_not_before();
  the_fullest_goes_out_first_where_none_is_full();
  a_full_batch_is_not_taken_as_one_that_is_being_filled();
  a_batch_is_used_again_when_its_last_row_was_read_and_for_the_same_evaluator();
  an_answer_that_is_none_is_refused();
  every_leaf_goes_out_once_whatever_the_threads(1, 1, 1, 500);
  every_leaf_goes_out_once_whatever_the_threads(6, 1, 2, 500);
  every_leaf_goes_out_once_whatever_the_threads(8, 2, 3, 500);
  every_leaf_goes_out_once_whatever_the_threads(5, 3, 64, 200);
  std::puts("clean");
}
