#include "pki/sealed_box.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "pki/openssl_text.hpp"
#include "pki/signature.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

namespace {

constexpr std::size_t key_size = 32;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr char format_version = 1;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Result<std::string> read_key(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_errno(errno, fmt::format("reading '{}'", path));
  if ((status.st_mode & 077U) != 0)
    return fail(
        ErrorKind::forbidden,
        fmt::format(
            "sealing key '{}': expected mode 0600 or stricter, found {:04o}. Run: chmod 600 '{}'",
            path, status.st_mode & 07777U, path));
  std::string bytes(key_size + 1, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, fmt::format("reading '{}'", path));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  if (bytes.size() != key_size)
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "sealing key '{}': expected {} bytes, found {}. Restore it from your backup: without it the stored keys cannot be read.",
            path, key_size, bytes.size() > key_size ? "more" : fmt::to_string(have)));
  return bytes;
}

// Durable before anything is sealed with it. The link fails where another process was faster, so
// the key in use is always the one in the file.
Result<void> create_key(const std::string& path) {
  const std::string temporary = fmt::format("{}.{}", path, hex_encode(random_bytes(8)));
  {
    const FileDescriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", temporary));
    auto written = write_all(file.get(), random_bytes(key_size), temporary);
    if (written) written = sync_path(temporary);
    if (!written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  const int linked = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());
  if (linked != 0 && linked != EEXIST)
    return fail_errno(linked, fmt::format("creating '{}'", path));
  return sync_folder_of(path);
}

CipherContext cipher_context() {
  CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  if (!context) std::abort();
  return context;
}

}  // namespace

Result<SealingKey> SealingKey::load(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail_errno(errno, fmt::format("sealing key '{}'", path));
  auto bytes = read_key(file.get(), path);
  if (!bytes) return pass(bytes.error());
  return SealingKey(std::move(*bytes));
}

Result<SealingKey> SealingKey::load_or_create(const std::string& path) {
  auto loaded = load(path);
  if (loaded || loaded.error().kind != ErrorKind::not_found) return loaded;
  if (auto created = create_key(path); !created)
    return while_doing(created.error(), fmt::format("sealing key '{}'", path));
  return load(path);
}

Result<std::string> SealingKey::seal(std::string_view plaintext, std::string_view row) const {
  const std::string nonce = random_bytes(nonce_size);
  std::string ciphertext(plaintext.size(), '\0');
  std::string tag(tag_size, '\0');
  int length = 0;
  const CipherContext context = cipher_context();
  if (bytes_.size() != key_size ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, as_bytes(bytes_),
                         as_bytes(nonce)) != 1 ||
      EVP_EncryptUpdate(context.get(), nullptr, &length, as_bytes(row),
                        static_cast<int>(row.size())) != 1 ||
      EVP_EncryptUpdate(context.get(), as_bytes(ciphertext.data()), &length, as_bytes(plaintext),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), as_bytes(tag.data()), &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_size),
                          tag.data()) != 1)
    return fail_openssl(ErrorKind::internal, fmt::format("sealing '{}'", row));
  return format_version + nonce + ciphertext + tag;
}

Result<std::string> SealingKey::open(std::string_view sealed, std::string_view row) const {
  const auto refuse = [row](std::string_view found) {
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "opening '{}': {}. Either the row was changed outside the server or the sealing key is another one: restore both from one backup.",
            row, found));
  };
  if (sealed.size() < 1 + nonce_size + tag_size) return refuse("the sealed value is too short");
  if (sealed.front() != format_version) return refuse("the sealed value has an unknown format");
  const std::string_view nonce = sealed.substr(1, nonce_size);
  const std::string_view ciphertext =
      sealed.substr(1 + nonce_size, sealed.size() - 1 - nonce_size - tag_size);
  std::string tag(sealed.substr(sealed.size() - tag_size));
  std::string plaintext(ciphertext.size(), '\0');
  std::string rest(tag_size, '\0');
  int length = 0;
  const CipherContext context = cipher_context();
  if (bytes_.size() != key_size ||
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, as_bytes(bytes_),
                         as_bytes(nonce)) != 1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &length, as_bytes(row),
                        static_cast<int>(row.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), as_bytes(plaintext.data()), &length, as_bytes(ciphertext),
                        static_cast<int>(ciphertext.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_size),
                          tag.data()) != 1)
    return fail_openssl(ErrorKind::internal, fmt::format("opening '{}'", row));
  if (EVP_DecryptFinal_ex(context.get(), as_bytes(rest.data()), &length) != 1)
    return refuse("the sealed value does not open with this sealing key");
  return plaintext;
}

}  // namespace muster
