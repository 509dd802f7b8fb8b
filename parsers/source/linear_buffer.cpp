// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/linear_buffer.hpp"

#include <cstring>
#include <new>

namespace vmstate {
namespace {

// Beyond anything Limits allow; keeps the arithmetic below from wrapping.
constexpr std::size_t largest_capacity = std::size_t{1} << 36;

}  // namespace

void LinearBuffer::restart(Offset at) {
  offset_ = at;
  head_ = 0;
  size_ = 0;
}

void LinearBuffer::drop_before(Offset at) {
  const auto count = static_cast<std::size_t>(at - offset_);
  offset_ = at;
  size_ -= count;
  head_ = size_ == 0 ? 0 : head_ + count;
}

bool LinearBuffer::reserve(std::size_t count) {
  if (count <= capacity_ - head_ - size_) return true;
  if (count > largest_capacity - size_) return false;
  if (size_ + count <= capacity_) {
    std::memmove(data_.get(), data_.get() + head_, size_);
  } else {
    // Half as much again, so that a reader who walks on in small steps under a large look-ahead moves each byte only
    // about twice.
    const std::size_t capacity = (size_ + count) + (size_ + count) / 2;
    std::unique_ptr<std::uint8_t[]> data(new (std::nothrow) std::uint8_t[capacity]);
    if (data == nullptr) return false;
    if (size_ > 0) std::memcpy(data.get(), data_.get() + head_, size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }
  head_ = 0;
  return true;
}

std::span<std::uint8_t> LinearBuffer::room() {
  const std::size_t used = head_ + size_;
  return {data_.get() + used, capacity_ - used};
}

}  // namespace vmstate
