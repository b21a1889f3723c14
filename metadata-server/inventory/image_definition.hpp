// What a node image is to be, of whichever kind (disk): one YAML file with one object of kind
// Image. It is no part of an inventory: `muster image build` alone reads it. Pure. Fields:
// README.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "inventory/place.hpp"

namespace muster {

struct ImageFileEntry {
  std::string path;
  std::string mode;  // "0644"
  std::string content;
};

struct ImageDefinition {
  std::string name;
  std::string suite;   // of Debian
  std::string kernel;  // "cloud" or "generic"
  std::vector<std::string> kernel_arguments;
  std::vector<std::string> packages;                     // beside those of every image
  std::map<std::string, Sourced<std::string>> releases;  // name -> version
  std::vector<ImageFileEntry> files;
};

// `file` is its name in messages. Every problem at once.
[[nodiscard]] Checked<ImageDefinition> read_image_definition(const std::string& file,
                                                             const std::string& text);

}  // namespace muster
