#include "agent/foundation/part_file.hpp"

namespace muster {
namespace {

constexpr std::size_t piece_size = 1u << 20;

}  // namespace

PartFile::PartFile(Filesystem& files, std::string path) : files_(files), path_(std::move(path)) {
  const auto status = files_.status(path_);
  if (status && status->type == FileStatus::Type::file) size_ = status->size;
  if (size_ == 0) stream_.emplace();
}

Result<void> PartFile::add(std::string_view bytes) {
  if (stream_) stream_->update(bytes);
  buffer_.append(bytes);
  size_ += bytes.size();
  if (buffer_.size() < piece_size) return {};
  return flush();
}

Result<void> PartFile::flush() {
  if (buffer_.empty()) return {};
  auto written = files_.append(path_, buffer_);
  buffer_.clear();
  return written;
}

Result<void> PartFile::clear() {
  buffer_.clear();
  size_ = 0;
  stream_.emplace();
  return files_.remove(path_);
}

Result<std::string> PartFile::digest() {
  if (stream_) return stream_->finish();
  return files_.digest(path_);
}

}  // namespace muster
