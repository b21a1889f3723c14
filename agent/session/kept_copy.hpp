// What a machine cannot start without while its server is away (the trust list, the document, the
// peers) lies twice, so that one file that a disk lost stops no boot. Both are under the run lock.
#pragma once

#include <string>

#include "agent/host/host.hpp"
#include "document/signed_document.hpp"

namespace muster {

// /var/lib/muster/copies/NAME, of a file in the cache.
[[nodiscard]] std::string copy_of(const std::string& path);

// Writes what differs, the file before its copy, each whole or not at all. An error is of the file:
// a copy that could not be written is tried again when the file is read.
[[nodiscard]] Result<void> write_kept(Filesystem& files, const std::string& path,
                                      const std::string& text);

// Puts one of the two right where it differs from `text`, which the other has. Best effort.
void put_right(Filesystem& files, const std::string& path, const std::string& text);

// What `take` makes of the file, or else of its copy; whichever differs from that is put right. An
// error is the file's.
template <class Take>
[[nodiscard]] auto read_kept(Filesystem& files, const std::string& path, Take take)
    -> decltype(take(std::string())) {
  const auto read = [&](const std::string& from,
                        const std::string& other) -> decltype(take(std::string())) {
    const auto text = files.read(from, maximum_envelope_size);
    if (!text) return pass(text.error());
    auto taken = take(*text);
    if (taken) put_right(files, other, *text);
    return taken;
  };
  const std::string copy = copy_of(path);
  auto taken = read(path, copy);
  if (taken) return taken;
  auto copied = read(copy, path);
  return copied ? std::move(copied) : std::move(taken);
}

}  // namespace muster
