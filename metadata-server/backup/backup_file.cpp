#include "backup/backup_file.hpp"

#include <fcntl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "document/backup_frame.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"
#include "records/record_fields.hpp"
#include "result/durable_file.hpp"
#include "trust/site_record.hpp"

namespace muster {
namespace {

constexpr std::string_view header_type = "application/vnd.muster.backup.v1+json";
constexpr std::string_view signer_name = "muster-backup";
constexpr std::size_t largest_header = 16u << 20;
constexpr std::size_t at_once = 1u << 20;
constexpr std::chrono::hours signer_lifetime{24 * 365 * 10};

struct HeaderText {
  BackupHeader header;
  std::string chain;        // {"chain":[envelope,...]}
  std::string certificate;  // PEM of the signer
};

constexpr auto header_fields = [](auto& fields, auto& text) {
  fields.text("site", text.header.site);
  fields.text("version", text.header.version);
  fields.text("recoveryKey", text.header.recovery_key);
  fields.number("madeAt", text.header.made_at);
  fields.number("epoch", text.header.epoch, Presence::if_set);
  fields.number("revision", text.header.revision);
  fields.number("damaged", text.header.damaged, Presence::if_set);
  fields.number("size", text.header.size);
  fields.text("digest", text.header.digest);
  fields.text("chain", text.chain);
  fields.text("certificate", text.certificate);
};

struct ContentText {
  std::string sealing_key;  // base64
  std::string settings;
  std::uint64_t size = 0;  // of the database, which follows the line
};

constexpr auto content_fields = [](auto& fields, auto& text) {
  fields.text("sealingKey", text.sealing_key);
  fields.text("settings", text.settings);
  fields.number("size", text.size);
};

// Calls `take` with `size` bytes from where `file` stands.
Result<void> read_bytes(const FileDescriptor& file, const std::string& path, std::uint64_t size,
                        const std::function<Result<void>(std::string_view)>& take) {
  std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, at_once)), '\0');
  while (size > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes.size()));
    const ssize_t got = ::read(file.get(), bytes.data(), wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, fmt::format("reading '{}'", path));
    if (got == 0) return fail_backup_file(path, "its end too early");
    size -= static_cast<std::uint64_t>(got);
    if (auto taken = take({bytes.data(), static_cast<std::size_t>(got)}); !taken) return taken;
  }
  return {};
}

Result<std::uint64_t> size_of(const FileDescriptor& file, const std::string& path) {
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return fail_errno(errno, fmt::format("'{}'", path));
  return static_cast<std::uint64_t>(found.st_size);
}

Result<std::vector<Envelope>> parse_chain(const std::string& text) {
  const auto json = parse_strict_json("chain of trust lists", text, {largest_header, 16});
  if (!json) return pass(json.error());
  std::vector<Envelope> chain;
  if (json->is_object() && json->contains("chain") && (*json)["chain"].is_array()) {
    for (const auto& entry : (*json)["chain"]) {
      auto envelope = parse_envelope(canonical_text(entry));
      if (!envelope) return pass(envelope.error());
      chain.push_back(std::move(*envelope));
    }
  }
  return chain;
}

// The encrypted part, and what of the header it says.
Result<void> write_encrypted(const std::function<Result<void>(std::string_view)>& write,
                             const BackupContent& content, const Certificate& recovery_key,
                             BackupHeader& header) {
  const auto database = open_backup_file(content.database);
  if (!database) return pass(database.error());
  const auto size = size_of(*database, content.database);
  if (!size) return pass(size.error());
  DigestStream digest;
  auto writer = RecoveryWriter::begin(recovery_key, [&](std::string_view bytes) {
    digest.update(bytes);
    header.size += bytes.size();
    return write(bytes);
  });
  if (!writer) return pass(writer.error());
  const ContentText text{base64_encode(content.sealing_key), content.settings, *size};
  if (auto written = writer->write(record_text(text, content_fields) + "\n"); !written)
    return written;
  auto copied = read_bytes(*database, content.database, *size,
                           [&](std::string_view bytes) { return writer->write(bytes); });
  if (!copied) return copied;
  if (auto finished = writer->finish(); !finished) return finished;
  header.digest = digest.finish();
  return {};
}

Result<Envelope> sign_header(const BackupHeader& header, const BackupSigner& signer,
                             TimePoint now) {
  const auto key = PrivateKey::generate_ed25519();
  if (!key) return pass(key.error());
  Subject subject;
  subject.common_name = signer_name;
  subject.server = true;
  const auto certificate = signer.authority.issue(key->public_key(), subject, signer_lifetime, now);
  if (!certificate) return pass(certificate.error());
  return sign_envelope(
      header_type,
      record_text(HeaderText{header, trust_answer_text(signer.chain), certificate->pem()},
                  header_fields),
      *key);
}

Result<WrittenBackup> write_unfinished(const std::string& path, const BackupContent& content,
                                       BackupHeader header, const Certificate& recovery_key,
                                       const BackupSigner& signer, TimePoint now) {
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", path));
  DigestStream digest;
  const auto write = [&](std::string_view bytes) {
    digest.update(bytes);
    return write_all(file.get(), bytes, path);
  };
  header.recovery_key = recovery_key.public_key().fingerprint();
  if (auto written = write_encrypted(write, content, recovery_key, header); !written)
    return pass(written.error());
  const auto envelope = sign_header(header, signer, now);
  if (!envelope) return pass(envelope.error());
  auto written = write(backup_frame_text({*envelope, header.size}));
  if (!written) return pass(written.error());
  return WrittenBackup{std::move(header), digest.finish()};
}

// The certificate is the site's own for backups.
Result<void> check_signer(const Certificate& certificate, const TrustList& trust) {
  const bool is_issued = std::any_of(
      trust.server_authorities.begin(), trust.server_authorities.end(), [&](const auto& pem) {
        const auto authority = Certificate::from_pem(pem);
        return authority &&
               X509_verify(certificate.native(), authority->public_key().native()) == 1;
      });
  if (is_issued && certificate.common_name() == signer_name) return {};
  return fail(ErrorKind::forbidden,
              "backup: it is not signed by a server of this site; take one that is its own");
}

}  // namespace

Result<WrittenBackup> write_backup(const std::string& path, const BackupContent& content,
                                   BackupHeader header, const Certificate& recovery_key,
                                   const BackupSigner& signer, TimePoint now) {
  const std::string unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  auto made = write_unfinished(unfinished, content, std::move(header), recovery_key, signer, now);
  if (made) {
    auto moved = move_into_place(unfinished, path);
    if (moved) return made;
    made = pass(moved.error());
  }
  ::unlink(unfinished.c_str());
  return made;
}

namespace {

struct SignedHeader {
  HeaderText text;
  std::vector<Envelope> chain;
  Certificate signer;
};

// Whose key it is, is not looked at: what does not read or verify by itself was altered, and why it
// does not is bytes that nobody wrote.
std::optional<SignedHeader> read_header(const Envelope& envelope) {
  auto text = parse_record<HeaderText>("backup's header", envelope.payload, header_fields,
                                       {largest_header, 8});
  if (!text) return std::nullopt;
  auto chain = parse_chain(text->chain);
  auto signer = Certificate::from_pem(text->certificate);
  if (!chain || !signer || !verify_envelope(envelope, header_type, signer->public_key()))
    return std::nullopt;
  return SignedHeader{std::move(*text), std::move(*chain), std::move(*signer)};
}

Result<VerifiedBackup> check_site(SignedHeader& header, std::string_view pin) {
  const auto trust = verify_trust_list(header.chain, pin, 0);
  if (!trust)
    return fail(ErrorKind::forbidden,
                fmt::format("backup: it is not of the site {}: {}", pin, trust.error().message));
  if (auto genuine = check_signer(header.signer, *trust); !genuine) return pass(genuine.error());
  return VerifiedBackup{std::move(header.text.header), trust->servers, {}};
}

}  // namespace

Result<VerifiedBackup> verify_backup(const std::string& path, std::string_view pin) {
  const auto file = open_backup_file(path);
  if (!file) return pass(file.error());
  const auto frame = read_backup_frame(*file, path);
  if (!frame) return pass(frame.error());
  auto header = read_header(frame->header);
  if (!header) return fail_backup_file(path, altered_backup);
  auto backup = check_site(*header, pin);
  if (!backup) return while_doing(backup.error(), fmt::format("'{}'", path));
  if (backup->header.size != frame->at) return fail_backup_file(path, altered_backup);
  DigestStream encrypted, whole;
  auto read = read_bytes(*file, path, frame->at, [&](std::string_view bytes) {
    encrypted.update(bytes);
    whole.update(bytes);
    return Result<void>();
  });
  if (!read) return pass(read.error());
  if (encrypted.finish() != backup->header.digest) return fail_backup_file(path, altered_backup);
  whole.update(backup_frame_text(*frame));
  backup->digest = whole.finish();
  return backup;
}

namespace {

// Of what was decrypted.
Result<ContentText> read_first_line(const std::string& path, const std::string& start) {
  const auto end = start.find('\n');
  if (end == std::string::npos) return fail_backup_file(path, "no line that says what is in it");
  return parse_record<ContentText>("backup's content", start.substr(0, end), content_fields);
}

// The first line, and the rest into the file `database`.
Result<BackupContent> split(const std::string& path, const std::string& database) {
  const auto file = open_backup_file(path);
  if (!file) return pass(file.error());
  std::string start(at_once, '\0');
  const ssize_t got = ::pread(file->get(), start.data(), start.size(), 0);
  start.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  const auto text = read_first_line(path, start);
  if (!text) return pass(text.error());
  auto sealing_key = base64_decode(text->sealing_key);
  if (!sealing_key) return pass(sealing_key.error());
  const FileDescriptor out(
      ::open(database.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out.is_open()) return fail_errno(errno, fmt::format("creating '{}'", database));
  if (::lseek(file->get(), static_cast<off_t>(start.find('\n') + 1), SEEK_SET) < 0)
    return fail_errno(errno, fmt::format("reading '{}'", path));
  auto copied = read_bytes(*file, path, text->size, [&](std::string_view bytes) {
    return write_all(out.get(), bytes, database);
  });
  if (copied) copied = sync_path(database);
  if (!copied) return pass(copied.error());
  return BackupContent{std::move(*sealing_key), text->settings, database};
}

}  // namespace

Result<void> check_recovery_key(const std::string& path, const BackupHeader& header,
                                const PrivateKey& recovery_key) {
  const std::string given = recovery_key.public_key().fingerprint();
  if (given == header.recovery_key) return {};
  return fail(
      ErrorKind::forbidden,
      fmt::format(
          "'{}': expected the recovery key {}, to which it is encrypted, found {}; give its own with --key",
          path, header.recovery_key, given));
}

Result<BackupContent> open_backup(const std::string& path, const BackupHeader& header,
                                  const PrivateKey& recovery_key, const std::string& database) {
  if (auto opens = check_recovery_key(path, header, recovery_key); !opens)
    return pass(opens.error());
  const std::string opened = database + ".opened";
  ::unlink(opened.c_str());
  if (auto done = open_recovery_file(path, recovery_key, opened); !done) return pass(done.error());
  auto content = split(opened, database);
  ::unlink(opened.c_str());
  if (!content) ::unlink(database.c_str());
  return content;
}

Result<std::string> read_backup_settings(const std::string& path, const BackupHeader& header,
                                         const PrivateKey& recovery_key) {
  if (auto opens = check_recovery_key(path, header, recovery_key); !opens)
    return pass(opens.error());
  const auto start = read_recovery_start(path, recovery_key, at_once);
  if (!start) return pass(start.error());
  auto text = read_first_line(path, *start);
  if (!text) return pass(text.error());
  return std::move(text->settings);
}

}  // namespace muster
