// The answers of one cluster's machines, by node. A value: copies are independent, and share the
// parts that neither changes, so that a change costs itself and not the cluster.
#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace muster {

struct ServedAnswer;

class DocumentTable {
 public:
  using Answer = std::shared_ptr<const ServedAnswer>;
  using Part = std::unordered_map<std::string, Answer>;
  class Iterator;

  DocumentTable();
  // nullptr: no such node.
  [[nodiscard]] Answer find(const std::string& node) const;
  [[nodiscard]] bool contains(const std::string& node) const { return find(node) != nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // In no order. Valid as long as this object, unchanged.
  [[nodiscard]] Iterator begin() const;
  [[nodiscard]] Iterator end() const;
  // nullptr removes. Cost: the changes, each some hundredths of a percent of the table.
  void change(const std::vector<std::pair<std::string, Answer>>& changes);

 private:
  static constexpr std::size_t part_count = 256;
  [[nodiscard]] static std::size_t part_of(const std::string& node);

  std::array<std::shared_ptr<const Part>, part_count> parts_;
  std::size_t size_ = 0;
};

class DocumentTable::Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Part::value_type;
  using difference_type = std::ptrdiff_t;
  using pointer = const value_type*;
  using reference = const value_type&;

  Iterator() = default;
  Iterator(const DocumentTable& table, std::size_t part) : table_(&table), part_(part) { settle(); }
  reference operator*() const { return *at_; }
  pointer operator->() const { return &*at_; }
  Iterator& operator++() {
    if (++at_ == table_->parts_[part_]->end()) {
      ++part_;
      settle();
    }
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator& other) const {
    return part_ == other.part_ && (part_ == part_count || at_ == other.at_);
  }

 private:
  void settle() {
    while (part_ < part_count && table_->parts_[part_]->empty()) ++part_;
    if (part_ < part_count) at_ = table_->parts_[part_]->begin();
  }
  const DocumentTable* table_ = nullptr;
  std::size_t part_ = part_count;
  Part::const_iterator at_;
};

inline DocumentTable::Iterator DocumentTable::begin() const {
  return {*this, 0};
}
inline DocumentTable::Iterator DocumentTable::end() const {
  return {*this, part_count};
}

}  // namespace muster
