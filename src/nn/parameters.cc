#include "tandem/parameters.h"

#include <glog/logging.h>

#include <utility>

namespace tandem {
namespace {

constexpr int64_t kAlignFloats = 16;

}  // namespace

int64_t ParameterLayout::Add(const std::string& name, const std::vector<Axis>& axes, ParameterKind kind,
                             BlockGradient gradient) {
  int64_t size = 1;
  std::vector<int> shape;
  for (const Axis& axis : axes) {
    CHECK_GT(axis.size(), 0) << name;
    shape.push_back(axis.size());
    size *= axis.size();
  }
  CHECK(Find(name) == nullptr) << name;
  blocks_.push_back({name, shape, kind, size_, size, axes, gradient});
  size_ += (size + kAlignFloats - 1) / kAlignFloats * kAlignFloats;
  return blocks_.back().offset;
}

int64_t ParameterLayout::Append(const std::string& prefix, const ParameterLayout& other) {
  const int64_t begin = size_;
  for (ParameterBlock block : other.blocks_) {
    block.name = prefix + block.name;
    CHECK(Find(block.name) == nullptr) << block.name;
    block.offset += begin;
    blocks_.push_back(std::move(block));
  }
  size_ += other.size_;
  return begin;
}

const ParameterBlock* ParameterLayout::Find(absl::string_view name) const {
  for (const ParameterBlock& block : blocks_) {
    if (block.name == name) return &block;
  }
  return nullptr;
}

int64_t ParameterLayout::trained() const {
  int64_t total = 0;
  for (const ParameterBlock& block : blocks_) {
    if (block.kind != ParameterKind::kStatistic) total += block.size;
  }
  return total;
}

}  // namespace tandem
