// What one thread at a time may use.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace az::bind {

// A face that one thread at a time may use: `face->call()` holds it for the length of the expression, and a thread that
// holds it may come again from inside. Another one waits or is refused.
enum class Meet { kWait, kRefuse };
template <class Face, Meet kMeet>
class Alone {
  struct State {
    std::unique_ptr<Face> face;
    std::mutex mutex;
    std::atomic<std::thread::id> holder;
    int depth = 0;  // of the holder
  };

 public:
  explicit Alone(std::unique_ptr<Face> face) : state_(std::make_unique<State>()) { state_->face = std::move(face); }

  class Use {
   public:
    explicit Use(State* state) : state_(state) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
      if (--state_->depth > 0) return;
      state_->holder = std::thread::id();
      state_->mutex.unlock();
    }
    Face* operator->() const { return state_->face.get(); }

   private:
    State* state_;
  };
  Use operator->() const {
    if (state_->holder.load() != std::this_thread::get_id()) {
      if constexpr (kMeet == Meet::kWait) {
        state_->mutex.lock();
      } else if (!state_->mutex.try_lock()) {
        throw std::runtime_error("this search is in use by another thread; give each thread its own");
      }
      state_->holder = std::this_thread::get_id();
    }
    ++state_->depth;
    return Use(state_.get());
  }

 private:
  std::unique_ptr<State> state_;
};
}  // namespace az::bind
