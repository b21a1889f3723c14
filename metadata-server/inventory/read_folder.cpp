#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "inventory/load.hpp"

namespace muster {

namespace {

namespace fs = std::filesystem;

bool is_inventory_file(const fs::directory_entry& entry) {
  const std::string extension = entry.path().extension().string();
  std::error_code error;
  return (extension == ".yaml" || extension == ".yml") && entry.is_regular_file(error);
}

Result<std::string> read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  // One byte more than allowed is enough for load to refuse it.
  text.resize(maximum_inventory_file + 1);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.fail() && !stream.eof()))
    return fail(ErrorKind::io,
                fmt::format("reading '{}': expected a readable file", path.string()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

Result<InventoryFiles> collect(const fs::path& folder) {
  InventoryFiles files;
  std::size_t total = 0;
  auto entry = fs::recursive_directory_iterator(folder);
  for (; entry != fs::recursive_directory_iterator(); ++entry) {
    // Hidden folders are git's and editors'; links could lead anywhere.
    const bool hidden = entry->path().filename().string().starts_with(".");
    if (hidden || entry->is_symlink()) {
      if (entry->is_directory()) entry.disable_recursion_pending();
      continue;
    }
    if (!is_inventory_file(*entry)) continue;
    auto text = read_file(entry->path());
    if (!text) return pass(text.error());
    total += text->size();
    if (total > maximum_inventory_total)
      return fail(ErrorKind::invalid,
                  fmt::format("inventory '{}': expected at most {} bytes in all files, found more",
                              folder.string(), maximum_inventory_total));
    files[entry->path().lexically_relative(folder).generic_string()] = std::move(*text);
  }
  return files;
}

}  // namespace

Result<InventoryFiles> read_folder(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(
        ErrorKind::not_found,
        fmt::format("inventory '{}': expected a folder with .yaml files, found none", folder));
  try {
    auto files = collect(folder);
    if (files && files->empty())
      return fail(ErrorKind::invalid,
                  fmt::format("inventory '{}': expected .yaml files in it, found none", folder));
    return files;
  } catch (const fs::filesystem_error& problem) {
    return fail(ErrorKind::io, fmt::format("reading '{}': {}", problem.path1().string(),
                                           problem.code().message()));
  }
}

}  // namespace muster
