// A private key that its operator keeps: a PEM file that nobody else may read.
#pragma once

#include <string>

#include "pki/private_key.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

// A new, empty file of mode 0600. It is removed again unless a key was written, where the process
// still may.
class NewKeyFile {
 public:
  // conflict: `path` is there; a key is never overwritten.
  [[nodiscard]] static Result<NewKeyFile> create(const std::string& path);
  NewKeyFile(NewKeyFile&&) = default;
  NewKeyFile& operator=(NewKeyFile&&) = delete;
  NewKeyFile(const NewKeyFile&) = delete;
  ~NewKeyFile();
  // Durable when it returns. Once.
  [[nodiscard]] Result<void> write(const PrivateKey& key);

 private:
  NewKeyFile(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  FileDescriptor file_;  // open until it was written
};

// forbidden: others may read it.
[[nodiscard]] Result<PrivateKey> read_key_file(const std::string& path);

}  // namespace muster
