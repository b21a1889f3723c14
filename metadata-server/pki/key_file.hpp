// A private key that its operator keeps: a PEM file that nobody else may read.
#pragma once

#include <optional>
#include <string>

#include "pki/private_key.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

// A file of mode 0600 for a key. One that was made here is removed again unless a key was written,
// where the process still may.
class NewKeyFile {
 public:
  // conflict: `path` is there; a key is never overwritten.
  [[nodiscard]] static Result<NewKeyFile> create(const std::string& path);
  // The same, or what is there: a run that was interrupted may have left it, with the key, a part
  // of it, or empty. forbidden: others may read it.
  [[nodiscard]] static Result<NewKeyFile> create_or_find(const std::string& path);
  NewKeyFile(NewKeyFile&&) = default;
  NewKeyFile& operator=(NewKeyFile&&) = delete;
  NewKeyFile(const NewKeyFile&) = delete;
  ~NewKeyFile();
  // Durable when it returns. Once. conflict: something else than this key is in it.
  [[nodiscard]] Result<void> write(const PrivateKey& key);
  // What was in it; none: it was made here.
  [[nodiscard]] const std::optional<std::string>& found() const { return found_; }

 private:
  NewKeyFile(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  FileDescriptor file_;  // open until it was written
  std::optional<std::string> found_;
};

// forbidden: others may read it.
[[nodiscard]] Result<PrivateKey> read_key_file(const std::string& path);

}  // namespace muster
