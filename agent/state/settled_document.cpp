#include "agent/state/settled_document.hpp"

#include "agent/paths.hpp"

namespace muster {
namespace {

constexpr std::string_view algorithm = "sha256:";

std::string name_of(std::string_view digest) {
  return std::string(digest.substr(std::min(algorithm.size(), digest.size()))) + ".json";
}

std::optional<Envelope> envelope_at(const Filesystem& files, const std::string& path,
                                    const std::string& wanted) {
  const auto text = files.read(path, maximum_envelope_size);
  if (!text) return std::nullopt;
  const auto envelope = parse_envelope(*text);
  if (!envelope || digest(*envelope) != wanted) return std::nullopt;
  return *envelope;
}

Result<void> write(Filesystem& files, const Envelope& envelope) {
  const std::string path = settled_path(digest(envelope));
  if (envelope_at(files, path, digest(envelope))) return {};
  if (auto made = files.make_directory(paths::settled, 0700); !made) return made;
  return files.write(path, to_json(envelope), 0600);
}

}  // namespace

std::string settled_path(std::string_view digest) {
  return std::string(paths::settled) + "/" + name_of(digest);
}

std::optional<SettledDocument> settled_document(const Filesystem& files,
                                                const Checkpoint& checkpoint) {
  const std::string& wanted = checkpoint.settled_document;
  if (wanted.empty()) return std::nullopt;
  const auto envelope = envelope_at(files, settled_path(wanted), wanted);
  if (!envelope) return std::nullopt;
  // It was verified when it came, and nobody but root could change the checkpoint that names it.
  // Its key may have been replaced since.
  const auto document = parse_node_document(envelope->payload);
  if (!document || document->role.node != checkpoint.node ||
      document->role.cluster.name != checkpoint.cluster) {
    return std::nullopt;
  }
  return SettledDocument{*document, wanted};
}

Result<void> keep_settled_of_cache(Filesystem& files, const Checkpoint& checkpoint) {
  const std::string& wanted = checkpoint.settled_document;
  if (wanted.empty() || envelope_at(files, settled_path(wanted), wanted)) return {};
  const auto envelope = envelope_at(files, paths::document_cache, wanted);
  return envelope ? write(files, *envelope) : Result<void>();
}

Result<void> settle(Filesystem& files, Checkpoint& checkpoint, const Envelope& envelope,
                    const std::string& state) {
  if (auto wrote = write(files, envelope); !wrote) return wrote;
  checkpoint.settled_document = digest(envelope);
  checkpoint.settled_state = state;
  if (auto saved = save(checkpoint, files); !saved) return saved;
  const auto names = files.list(paths::settled);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    if ((*names)[i] == name_of(checkpoint.settled_document)) continue;
    if (auto gone = files.remove(std::string(paths::settled) + "/" + (*names)[i]); !gone) {
      return gone;
    }
  }
  return {};
}

}  // namespace muster
