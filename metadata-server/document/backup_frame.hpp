// The outside of a backup file: what only the recovery key opens, a line with the signed header,
// and where that begins (backup/README.md, "The file"). For whoever makes and opens one, and for
// whoever keeps several. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "document/signed_document.hpp"
#include "result/file_descriptor.hpp"
#include "result/result.hpp"

namespace muster {

struct BackupFrame {
  Envelope header;       // not verified
  std::uint64_t at = 0;  // where it begins
};
// invalid: it is no file.
[[nodiscard]] Result<FileDescriptor> open_backup_file(const std::string& path);
// corrupt: it is no backup, cut off or altered.
[[nodiscard]] Result<BackupFrame> read_backup_frame(const FileDescriptor& file,
                                                    const std::string& path);
// What ends the file, behind its first frame.at bytes.
[[nodiscard]] std::string backup_frame_text(const BackupFrame& frame);
[[nodiscard]] tl::unexpected<Error> fail_backup_file(const std::string& path,
                                                     std::string_view found);
inline constexpr std::string_view altered_backup = "one that was altered";

}  // namespace muster
