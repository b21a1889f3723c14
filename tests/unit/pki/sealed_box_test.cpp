#include "pki/sealed_box.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "fakes/scratch_folder.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

void write(const std::string& path, std::string_view bytes, mode_t mode) {
  std::ofstream(path, std::ios::binary) << bytes;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

std::string refusal(std::string_view found) {
  return fmt::format(
      "opening 'secret|lab|db|3': {}. Either the row was changed outside the server or the sealing key is another one: restore both from one backup.",
      found);
}

}  // namespace

TEST_CASE("what was sealed for a row opens for that row alone") {
  const SealingKey key(random_bytes(32));
  const auto sealed = key.seal("top secret", "secret|lab|db|3");
  REQUIRE(sealed);
  CHECK(sealed->size() == 1 + 12 + 10 + 16);
  CHECK(sealed->find("top secret") == std::string::npos);
  CHECK(key.open(*sealed, "secret|lab|db|3").value() == "top secret");
  CHECK(key.seal("top secret", "secret|lab|db|3").value() != *sealed);
  const auto moved = key.open(*sealed, "secret|lab|db|4");
  REQUIRE_FALSE(moved);
  CHECK(moved.error().kind == ErrorKind::corrupt);
  CHECK_FALSE(SealingKey(random_bytes(32)).open(*sealed, "secret|lab|db|3"));
  CHECK(key.open(key.seal("", "r").value(), "r").value() == "");
}

TEST_CASE("every changed bit is noticed") {
  const SealingKey key(random_bytes(32));
  const std::string sealed = key.seal("top secret", "secret|lab|db|3").value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK(key.open(changed, "secret|lab|db|3").error().kind == ErrorKind::corrupt);
  }
  CHECK(key.open("", "secret|lab|db|3").error().message ==
        refusal("the sealed value is too short"));
  CHECK(key.open("\x02" + sealed.substr(1), "secret|lab|db|3").error().message ==
        refusal("the sealed value has an unknown format"));
  CHECK(key.open(sealed.substr(0, sealed.size() - 1), "secret|lab|db|3").error().message ==
        refusal("the sealed value does not open with this sealing key"));
}

TEST_CASE("a key file is made once, private, and read again") {
  const ScratchFolder folder;
  const std::string path = folder.path("sealing.key");
  CHECK(SealingKey::load(path).error().kind == ErrorKind::not_found);
  const auto made = SealingKey::load_or_create(path);
  REQUIRE(made);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600U);
  CHECK(status.st_size == 32);
  const auto sealed = made->seal("x", "r");
  CHECK(SealingKey::load_or_create(path)->open(*sealed, "r").value() == "x");
  CHECK(SealingKey::load(path)->open(*sealed, "r").value() == "x");
  // Nothing else is left beside it.
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a key file that others may read, or of another size, is refused") {
  const ScratchFolder folder;
  const std::string path = folder.path("sealing.key");
  write(path, random_bytes(32), 0640);
  const auto refused = SealingKey::load_or_create(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::forbidden);
  CHECK(refused.error().message ==
        fmt::format(
            "sealing key '{0}': expected mode 0600 or stricter, found 0640. Run: chmod 600 '{0}'",
            path));
  write(path, random_bytes(32), 0400);
  CHECK(SealingKey::load(path));
  std::filesystem::remove(path);
  write(path, random_bytes(31), 0600);
  CHECK(
      SealingKey::load(path).error().message ==
      fmt::format(
          "sealing key '{}': expected 32 bytes, found 31. Restore it from your backup: without it the stored keys cannot be read.",
          path));
  write(path, "", 0600);
  CHECK_FALSE(SealingKey::load_or_create(path));
  CHECK(SealingKey::load_or_create(folder.path("no/such/folder")).error().kind ==
        ErrorKind::not_found);
}

}  // namespace muster
