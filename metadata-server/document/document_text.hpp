// The canonical text of a node document from the texts of its parts, of which machines of a cluster
// share the large ones: the same bytes as to_canonical_json(NodeDocument), for what differs alone.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "document/peer_list.hpp"

namespace muster {

[[nodiscard]] std::string settings_text(const ClusterSettings& cluster);
// `identity.cluster` is left out of account for `settings`, its text.
[[nodiscard]] std::string role_text(const MachineIdentity& identity, std::string_view settings);
[[nodiscard]] std::string certificates_text(const std::vector<CertificateSpec>& certificates);
[[nodiscard]] std::string config_text(const MachineConfig& config);
[[nodiscard]] std::string labels_text(const std::map<std::string, std::string>& labels);
[[nodiscard]] std::string taints_text(const std::vector<Taint>& taints);

struct DocumentText {
  std::string_view site, role, certificates, config;  // site: as it is; the others: JSON
};
[[nodiscard]] std::string to_text(const DocumentText& parts, std::uint64_t generation);
// The parts of a text that to_text made; empty ones where it was not.
[[nodiscard]] DocumentText split_document(std::string_view text);
// The value of a field of such a part, as text; empty: there is none.
[[nodiscard]] std::string_view field_of(std::string_view object, std::string_view field);

struct PeerText {
  std::string_view name, address, pod_cidr;
  std::string_view labels, taints;  // JSON
  Drain drain = Drain::none;
};
void append_peer(std::string& text, const PeerText& peer);
// `peers`: the texts of all, in the order of the list, with commas between.
[[nodiscard]] std::string peer_list_text(std::string_view site, std::string_view cluster,
                                         std::uint64_t generation, std::string_view peers);

}  // namespace muster
