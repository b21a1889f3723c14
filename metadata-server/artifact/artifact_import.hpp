// What an import holds between its calls. Of this room only.
#pragma once

#include "artifact/artifact_store.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

struct ArtifactImport::State {
  State() = default;
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::string digest;      // announced
  std::string target;      // path in the store
  std::string temporary;   // path in incoming/; empty when the artifact is there already
  std::string incoming;    // the folder of temporaries
  FileDescriptor present;  // what is there already, as long as its bytes are those that arrive
  FileDescriptor file;     // temporary, locked as long as the import lives
  std::uint64_t size = 0;  // announced
  std::uint64_t written = 0;
  DigestStream stream;
  std::shared_ptr<FormRoom> room;
  bool is_replacing = false;  // what is there turned out to be damaged
  bool is_promised = false;   // `size` in the room, less what is written
};

// A file in `incoming`, open and locked: prune and open() leave a locked one alone.
[[nodiscard]] Result<void> create_temporary(ArtifactImport::State& state,
                                            const std::string& incoming);
// Synced, then renamed to `target`, whose folder is made and synced; the file is closed.
[[nodiscard]] Result<void> place_temporary(ArtifactImport::State& state, const std::string& target);
// Idempotent; the new name lasts a power cut.
[[nodiscard]] Result<void> make_folder(const std::string& folder);

}  // namespace muster
