// Threads that move games on, and when a batch goes out.
//
// A game is a task in the queue while it can move, and is in no queue while its leaf waits in a batch. A batch is sent
// when it is full, or when the evaluator is idle and every game is waiting for it. All games are known here, so there
// are no time-outs.
//
// Without threads of its own (`threads` 0), whoever asks for a batch moves games on until one is ready. So on a
// processor each core searches and answers by turns, and no two threads compete for it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cpp/selfplay/batcher.h"
#include "cpp/selfplay/record.h"
#include "cpp/selfplay/settings.h"

namespace az {

class Workers {
 public:
  // A game that can move.
  struct Task {
    int game;
    Batch* batch = nullptr;  // the answer to read first; nullptr: none
    int row = 0;
  };
  // What one thread works with.
  class Hand {
   public:
    Hand() = default;
    virtual ~Hand() = default;
    Hand(const Hand&) = delete;
    Hand& operator=(const Hand&) = delete;
    // Moves a game on. False: it waits in a batch now, or there is nothing left to play.
    virtual bool move(const Task& task) = 0;

    std::vector<Task> tasks;  // that it is at

    // What it did since they were last collected.
    PoolCounts counts;
    std::vector<GameRecord> finished;
  };

  // Tasks 0 .. games - 1 can move from the start. `most_finished`: unread games before the threads wait.
  Workers(Batcher& batcher, int games, int most_finished)
      : batcher_(batcher), most_finished_(static_cast<std::size_t>(most_finished)) {
    for (int i = 0; i < games; ++i) runnable_.push_back({i});
  }
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Each thread makes a hand of its own. With 0 threads those that call next_batch() do the work.
  void start(int threads, std::function<std::unique_ptr<Hand>()> make_hand) {
    make_hand_ = std::move(make_hand);
    askers_work_ = threads == 0;
    sharers_ = static_cast<std::size_t>(std::max(1, threads));
    for (int i = 0; i < threads; ++i) {
      try {
        threads_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {  // no further thread is to be had here: fewer do as well
        if (threads_.empty()) throw std::invalid_argument("pool: this machine gives no thread to search with");
        break;
      }
    }
  }
  // Ends the threads, and waits for those that moved games on for a batch: no game moves on, and nobody waits.
  void stop() {
    {
      std::unique_lock lock(mutex_);
      stop_ = true;
      work_to_do_.notify_all();
      batch_ready_.notify_all();
      at_rest_.wait(lock, [this] { return running_ == 0; });
    }
    const std::lock_guard lock(joining_);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] const std::atomic<bool>& stopping() const { return stop_; }

  // A hand published the last row of a batch.
  void batch_is_ready() {
    const std::lock_guard lock(mutex_);  // whoever is about to wait has seen the batch, or waits already
    batch_ready_.notify_one();
  }

  // Pool::next_batch().
  Batch* next_batch(double seconds, bool partial, bool shared) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::min(seconds, 1e6));
    const auto settled = [this, shared] {
      return stop_ || batcher_.any_ready() || full_of_games() || (askers_work_ && any_work()) ||
             (all_wait() && (!shared || batcher_.under_way() == 0 || batcher_.any_filled()));
    };
    for (;;) {
      if (!batch_ready_.wait_until(lock, deadline, settled)) return nullptr;
      if (failure_) std::rethrow_exception(failure_);
      if (stop_) return nullptr;
      Batch* batch = batcher_.take();
      if (batch == nullptr && partial && all_wait()) batch = batcher_.take_fullest();
      if (batch != nullptr) {
        ++counts_.batches;
        counts_.evaluations += static_cast<std::uint64_t>(batch->written.load());
        return batch;
      }
      if (!askers_work_ || !any_work()) return nullptr;
      help(lock, deadline);
      if (std::chrono::steady_clock::now() >= deadline && !batcher_.any_ready()) return nullptr;
    }
  }
  // The games of an answered batch move on.
  void finish(Batch& batch, const Answer& answer) {
    {
      const std::lock_guard lock(mutex_);
      batcher_.answer(batch, answer);
      const int rows = batch.written.load();
      for (int row = 0; row < rows; ++row)
        runnable_.push_back({batch.slots[static_cast<std::size_t>(row)], &batch, row});
    }
    there_is_work().notify_all();
  }
  // Finished games since the last call.
  std::vector<GameRecord> take_finished() {
    std::vector<GameRecord> out;
    {
      const std::lock_guard lock(mutex_);
      out.swap(finished_);
    }
    there_is_work().notify_all();
    return out;
  }
  // Whether every game waits for an answer: nothing moves until finish() is called.
  [[nodiscard]] bool all_parked() const {
    const std::lock_guard lock(mutex_);
    return stop_ || (!batcher_.any_ready() && all_wait());
  }
  [[nodiscard]] PoolCounts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_, std::defer_lock);
    try {
      const std::unique_ptr<Hand> hand = make_hand_();
      lock.lock();
      for (;;) {
        work_to_do_.wait(lock, [this] { return stop_ || any_work(); });
        if (stop_) return;
        take_turn(lock, *hand);
      }
    } catch (...) {  // such as no memory: told to the consumer, and all stop
      fail(lock);
    }
  }
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point kNever = Clock::time_point::max();

  // A turn of a thread that asked for a batch.
  template <class Deadline>
  void help(std::unique_lock<std::mutex>& lock, Deadline deadline) {
    try {
      std::unique_ptr<Hand> hand;
      if (idle_hands_.empty()) {
        hand = make_hand_();
        sharers_ = std::max(sharers_, ++hands_);
      } else {
        hand = std::move(idle_hands_.back());
        idle_hands_.pop_back();
      }
      take_turn(lock, *hand, std::chrono::time_point_cast<Clock::duration>(deadline));
      idle_hands_.push_back(std::move(hand));
    } catch (...) {
      fail(lock);
    }
  }
  // Moves a share of the games on, with the lock released meanwhile. One at least; those that are left at the deadline
  // are put back as they are.
  void take_turn(std::unique_lock<std::mutex>& lock, Hand& hand, Clock::time_point deadline = kNever) {
    take_tasks(hand.tasks);
    const auto taken = static_cast<int>(hand.tasks.size());
    lock.unlock();
    std::size_t movable = 0;
    try {
      for (std::size_t i = 0; i < hand.tasks.size(); ++i) {
        const Task task = hand.tasks[i];
        const bool late = i > 0 && deadline != kNever && Clock::now() >= deadline;
        if (late || hand.move(task)) hand.tasks[movable++] = late ? task : Task{task.game};
      }
    } catch (...) {
      lock.lock();
      running_ -= taken;
      at_rest_.notify_all();
      throw;
    }
    lock.lock();
    hand.tasks.resize(movable);
    put_back(hand, taken);
  }
  void fail(std::unique_lock<std::mutex>& lock) {
    if (!lock.owns_lock()) lock.lock();
    if (!failure_) failure_ = std::current_exception();
    stop_ = true;
    work_to_do_.notify_all();
    batch_ready_.notify_all();
  }
  // Where those wait who move games on.
  std::condition_variable& there_is_work() { return askers_work_ ? batch_ready_ : work_to_do_; }

  // mutex_ is held in all below.
  void take_tasks(std::vector<Task>& mine) {
    const std::size_t share = runnable_.size() / (2 * sharers_);
    const std::size_t count = std::min(runnable_.size(), std::clamp<std::size_t>(share, 1, 16));
    const auto end = runnable_.begin() + static_cast<std::ptrdiff_t>(count);
    mine.assign(runnable_.begin(), end);
    runnable_.erase(runnable_.begin(), end);
    running_ += static_cast<int>(count);
  }
  void put_back(Hand& hand, int taken) {
    runnable_.insert(runnable_.end(), hand.tasks.begin(), hand.tasks.end());
    running_ -= taken;
    if (running_ == 0) at_rest_.notify_all();
    counts_ += std::exchange(hand.counts, PoolCounts{});
    for (GameRecord& record : hand.finished) finished_.push_back(std::move(record));
    hand.finished.clear();
    if (all_wait()) batch_ready_.notify_all();
    if (!hand.tasks.empty() || full_of_games()) {
      there_is_work().notify_one();
      if (full_of_games()) batch_ready_.notify_one();
    }
  }
  [[nodiscard]] bool all_wait() const { return running_ == 0 && runnable_.empty(); }
  [[nodiscard]] bool any_work() const { return !runnable_.empty() && !full_of_games(); }
  [[nodiscard]] bool full_of_games() const { return finished_.size() >= most_finished_; }

  Batcher& batcher_;  // its lock is taken with ours held, never the other way round
  const std::size_t most_finished_;
  std::function<std::unique_ptr<Hand>()> make_hand_;
  bool askers_work_ = false;  // there are no threads of its own
  std::size_t sharers_ = 1;   // how many threads move games on

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable work_to_do_;
  std::condition_variable batch_ready_;
  std::condition_variable at_rest_;  // nobody moves a game
  std::deque<Task> runnable_;
  std::vector<GameRecord> finished_;
  PoolCounts counts_;
  int running_ = 0;
  std::vector<std::unique_ptr<Hand>> idle_hands_;  // of those that ask for batches
  std::size_t hands_ = 0;                          // how many of them there are
  std::exception_ptr failure_;                     // of a thread
  std::atomic<bool> stop_ = false;

  std::mutex joining_;
  std::vector<std::thread> threads_;  // last: they use all above
};

}  // namespace az
