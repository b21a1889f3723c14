// PATH.part: the bytes of a download that is not complete yet, and their digest as they grow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/host/host.hpp"
#include "pki/signature.hpp"

namespace muster {

// One thread.
class PartFile {
 public:
  // What an earlier run left is kept.
  PartFile(Filesystem& files, std::string path);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Collects small pieces, so that the file is opened once a MiB and not once a packet.
  [[nodiscard]] Result<void> add(std::string_view bytes);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<void> clear();
  // Of all that was added and flushed, and of what was there before, which is read for it. Once;
  // what is not the wanted digest is to be cleared.
  [[nodiscard]] Result<std::string> digest();

 private:
  Filesystem& files_;
  std::string path_, buffer_;
  std::uint64_t size_ = 0;
  std::optional<DigestStream> stream_;  // none: there were bytes before this object
};

}  // namespace muster
