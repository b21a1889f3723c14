// Takes out of a text what nobody may read elsewhere: every value that this machine holds as a
// secret, as it is or in base64, whole PEM blocks, and whatever is shown as a bearer token. For
// everything that a program said and that leaves the machine. Immutable; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/host/host.hpp"

namespace muster {

// What stands in its place.
inline constexpr std::string_view masked = "[secret]";

class SecretMask {
 public:
  // Remembers a secret's content: all of it, each of its lines, the values of its fields (JSON, or
  // `name: value`), and each of these in base64. Values shorter than 4 bytes hide nothing and are
  // left out; those of fields, shorter than 6.
  void add(std::string_view content);
  // The content of the files, where they can be read; a secret that cannot is none that runs.
  void add_files(const Filesystem& files, const std::vector<std::string>& paths);

  [[nodiscard]] std::string apply(std::string text) const;
  // PEM blocks over several lines too, also one whose beginning or end is cut off.
  [[nodiscard]] std::vector<std::string> apply(const std::vector<std::string>& lines) const;

 private:
  void add_value(std::string_view value, std::size_t shortest);

  std::vector<std::string> values_;  // longest first
};

}  // namespace muster
