#include "publish/document_table.hpp"

#include <map>

namespace muster {

DocumentTable::DocumentTable() {
  static const auto none = std::make_shared<const Part>();
  parts_.fill(none);
}

std::size_t DocumentTable::part_of(const std::string& node) {
  // Of another part of the hash than a part's own buckets are found by.
  return (std::hash<std::string>()(node) >> 24) % part_count;
}

DocumentTable::Answer DocumentTable::find(const std::string& node) const {
  const Part& part = *parts_[part_of(node)];
  const auto found = part.find(node);
  return found == part.end() ? nullptr : found->second;
}

void DocumentTable::change(const std::vector<std::pair<std::string, Answer>>& changes) {
  std::map<std::size_t, std::shared_ptr<Part>> copies;
  for (const auto& [node, answer] : changes) {
    auto& copy = copies[part_of(node)];
    if (!copy) copy = std::make_shared<Part>(*parts_[part_of(node)]);
    if (answer) {
      copy->insert_or_assign(node, answer);
    } else {
      copy->erase(node);
    }
  }
  for (auto& [number, copy] : copies) {
    size_ += copy->size();
    size_ -= parts_[number]->size();
    parts_[number] = std::move(copy);
  }
}

}  // namespace muster
