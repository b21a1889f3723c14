// Node -> its pod network, of nodes that are gone too until that is free again. A value: copies
// share what neither changes, since each publication copies all of a cluster's several times.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace muster {

class PodCidrs {
 public:
  using Map = std::map<std::string, std::string>;

  PodCidrs() : map_(std::make_shared<Map>()) {}
  PodCidrs(Map map) : map_(std::make_shared<Map>(std::move(map))) {}
  PodCidrs(std::initializer_list<Map::value_type> rows) : PodCidrs(Map(rows)) {}
  // Copied where others are moved: none is ever without a map.
  PodCidrs(const PodCidrs&) = default;
  PodCidrs& operator=(const PodCidrs&) = default;
  ~PodCidrs() = default;
  // Valid until change().
  const Map& operator*() const { return *map_; }
  const Map* operator->() const { return map_.get(); }
  // This copy's own, to be changed.
  Map& change() {
    if (map_.use_count() > 1) map_ = std::make_shared<Map>(*map_);
    return *map_;
  }
  bool operator==(const PodCidrs& other) const { return *map_ == *other.map_; }

 private:
  std::shared_ptr<Map> map_;
};

}  // namespace muster
