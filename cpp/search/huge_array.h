// A growing array of plain data, for the tree: growth initialises nothing and, where the array is large, copies
// nothing.
//
// A tree of 20,000 nodes of 19x19 Go is 29 MB of edges. Grown as a std::vector it is zeroed, copied twice on the way
// and faulted in page by page; here, on Linux, large arrays stand in huge pages that mremap moves as they are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace az {

// Raw blocks of memory. From kLarge bytes on, sizes are whole huge pages.
namespace memory {

inline constexpr std::size_t kHugePage = std::size_t{1} << 21;
inline constexpr std::size_t kLarge = 2 * kHugePage;

#if defined(__linux__)
// Address space that starts at a huge page, or the block would hold one page fewer.
inline void* map_aligned(std::size_t bytes) {
  void* const got = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) throw std::bad_alloc();
  const auto begin = reinterpret_cast<std::uintptr_t>(got);
  const std::size_t before = (kHugePage - begin % kHugePage) % kHugePage;
  char* const aligned = static_cast<char*>(got) + before;
  if (before > 0) munmap(got, before);
  if (before < kHugePage) munmap(aligned + bytes, kHugePage - before);
  madvise(aligned, bytes, MADV_HUGEPAGE);  // a wish: ordinary pages serve as well
  return aligned;
}
inline void release(void* block, std::size_t bytes) {
  if (bytes >= kLarge) {
    munmap(block, bytes);
  } else {
    std::free(block);
  }
}
inline void* resize(void* block, std::size_t bytes, std::size_t wanted) {
  if (wanted < kLarge) {
    void* const moved = std::realloc(block, wanted);
    if (moved == nullptr) throw std::bad_alloc();
    return moved;
  }
  void* const fresh = map_aligned(wanted);
  if (bytes >= kLarge) {
    if (mremap(block, bytes, wanted, MREMAP_MAYMOVE | MREMAP_FIXED, fresh) == MAP_FAILED) throw std::bad_alloc();
  } else {
    if (bytes > 0) std::memcpy(fresh, block, bytes);
    std::free(block);
  }
  return fresh;
}
#else
inline void release(void* block, std::size_t /*bytes*/) { std::free(block); }
inline void* resize(void* block, std::size_t /*bytes*/, std::size_t wanted) {
  void* const moved = std::realloc(block, wanted);
  if (moved == nullptr) throw std::bad_alloc();
  return moved;
}
#endif

}  // namespace memory

template <class T>
class HugeArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  HugeArray() = default;
  HugeArray(HugeArray&& other) noexcept { swap(other); }
  HugeArray& operator=(HugeArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~HugeArray() { memory::release(data_, bytes_); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] T& operator[](std::size_t i) { return data_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data_[i]; }
  void clear() { size_ = 0; }

  // `count` more elements, not initialised: write them before they are read. Pointers into the array become invalid.
  T* extend(std::size_t count) {
    if (capacity_ - size_ < count) grow(size_ + count);
    T* const fresh = data_ + size_;
    size_ += count;
    return fresh;
  }

 private:
  void swap(HugeArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(bytes_, other.bytes_);
  }
  void grow(std::size_t least) {
    if (least > kMost) throw std::bad_alloc();  // the tree counts in 32 bits
    std::size_t bytes = std::min(std::max(least, 2 * capacity_), kMost) * sizeof(T);
    if (bytes >= memory::kLarge) bytes = (bytes + memory::kHugePage - 1) / memory::kHugePage * memory::kHugePage;
    data_ = static_cast<T*>(memory::resize(data_, bytes_, bytes));
    bytes_ = bytes;
    capacity_ = std::min(bytes / sizeof(T), kMost);
  }
  static constexpr std::size_t kMost = 0xfffffffeU;

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t bytes_ = 0;  // allocated: whole huge pages need not be whole elements
};

}  // namespace az
