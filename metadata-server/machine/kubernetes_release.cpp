#include "machine/kubernetes_release.hpp"

#include "document/release_names.hpp"

namespace muster {
namespace {

std::string one_of(const NodeDocument& document, std::string_view own) {
  const bool is_undivided = release_version(document, own).empty() &&
                            !release_version(document, releases::kubernetes).empty();
  return std::string(is_undivided ? releases::kubernetes : own);
}

}  // namespace

std::string release_version(const NodeDocument& document, std::string_view release) {
  for (const ReleaseReference& reference : document.config.releases) {
    if (reference.name == release) return reference.version;
  }
  return {};
}

std::string node_release(const NodeDocument& document) {
  return one_of(document, releases::kubernetes_node);
}

std::string control_plane_release(const NodeDocument& document) {
  return one_of(document, releases::kubernetes_control_plane);
}

}  // namespace muster
