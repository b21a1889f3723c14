// The document to which a machine goes back when a newer one does not work on it: the envelope
// under which it was last found in effect, in a file of its own that is named by its digest.
// Written here alone, never taken from the network; it lowers no generation.
#pragma once

#include <optional>
#include <string>

#include "agent/host/host.hpp"
#include "agent/state/checkpoint.hpp"
#include "document/node_document.hpp"
#include "document/signed_document.hpp"

namespace muster {

struct SettledDocument {
  NodeDocument document;
  std::string digest;
};

// HEX.json in paths::settled.
[[nodiscard]] std::string settled_path(std::string_view digest);

// What the checkpoint names; nothing where none settled, or its file is gone or not what its name
// says.
[[nodiscard]] std::optional<SettledDocument> settled_document(const Filesystem& files,
                                                              const Checkpoint& checkpoint);

// Before the cache of the newest document is replaced: an agent that kept no file of its own had
// the settled envelope there. A no-op where the file is there, or the cache has another one.
[[nodiscard]] Result<void> keep_settled_of_cache(Filesystem& files, const Checkpoint& checkpoint);

// Makes `envelope` the settled one: file, then checkpoint, then the others are removed, so that
// what the checkpoint names is there at any instant. Durable on return; a no-op when it is so
// already.
[[nodiscard]] Result<void> settle(Filesystem& files, Checkpoint& checkpoint,
                                  const Envelope& envelope, const std::string& state);

}  // namespace muster
