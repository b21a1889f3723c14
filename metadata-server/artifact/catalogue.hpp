// Which releases are there. A value, made from release manifests; knows no disk. Copies are
// independent; not to be changed by two threads at once.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "document/release.hpp"
#include "result/result.hpp"

namespace muster {

struct CataloguedRelease {
  std::string name;
  std::string version;
  std::string manifest_digest;
  std::uint64_t size = 0;  // of all artifacts, in bytes
  std::vector<Artifact> artifacts;
};
[[nodiscard]] CataloguedRelease to_catalogued(const Release& release);

class Catalogue {
 public:
  Catalogue() = default;
  explicit Catalogue(const std::vector<Release>& releases);
  // conflict: the same name and version with another manifest; adding an equal one changes nothing.
  [[nodiscard]] Result<void> add(const Release& release);
  void remove(std::string_view name, std::string_view version);
  // Pointers live until the next change. not_found: with the versions that are there and the cure.
  [[nodiscard]] Result<const CataloguedRelease*> find(std::string_view name,
                                                      std::string_view version) const;
  [[nodiscard]] Result<const CataloguedRelease*> newest(std::string_view name) const;
  [[nodiscard]] const std::vector<CataloguedRelease>& releases() const { return releases_; }
  // Digests of all manifests and artifacts: what prune keeps.
  [[nodiscard]] std::set<std::string> referred() const;

 private:
  [[nodiscard]] std::string versions_of(std::string_view name) const;
  std::vector<CataloguedRelease> releases_;  // by name, the oldest version first
};

}  // namespace muster
