// The real file system. Every error names the path and the call's errno. Not thread-safe against
// itself on one path; different paths are independent.
#pragma once

#include "agent/host/host.hpp"

namespace muster {

class PosixFilesystem final : public Filesystem {
 public:
  [[nodiscard]] Result<std::string> read(const std::string& path, std::size_t limit) const override;
  [[nodiscard]] Result<FileStatus> status(const std::string& path) const override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) const override;
  [[nodiscard]] Result<std::string> digest(const std::string& path) const override;
  [[nodiscard]] Result<void> write(const std::string& path, std::string_view content,
                                   std::uint32_t mode, const std::string& owner) override;
  [[nodiscard]] Result<void> append(const std::string& path, std::string_view bytes) override;
  [[nodiscard]] Result<void> finish(const std::string& path, std::uint32_t mode,
                                    const std::string& owner) override;
  [[nodiscard]] Result<void> make_directory(const std::string& path, std::uint32_t mode,
                                            const std::string& owner) override;
  [[nodiscard]] Result<void> link(const std::string& path, const std::string& target) override;
  [[nodiscard]] Result<void> replace_directory(const std::string& from,
                                               const std::string& to) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<FreeSpace> space(const std::string& path) const override;
};

}  // namespace muster
