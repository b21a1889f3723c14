// The files of a machine below a folder, as they would lie below '/'.
#pragma once

#include <string>
#include <vector>

#include "inventory/rendered_cluster.hpp"
#include "result/result.hpp"

namespace muster {

// Their modes, but owned by the caller. conflict: a file is there already.
[[nodiscard]] Result<void> write_below(const std::string& folder,
                                       const std::vector<RenderedFile>& files);

// The root of one machine: a folder of mode 0700 in $TMPDIR that goes with its owner.
class MachineRoot {
 public:
  [[nodiscard]] static Result<MachineRoot> make();
  MachineRoot(MachineRoot&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  MachineRoot& operator=(MachineRoot&&) = delete;
  ~MachineRoot();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit MachineRoot(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace muster
