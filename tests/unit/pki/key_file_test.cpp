#include "pki/key_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "fakes/scratch_folder.hpp"

using namespace muster;

TEST_CASE("a key file is read as it was written, by its owner alone") {
  const ScratchFolder folder;
  const std::string path = folder.path("a.key");
  const auto key = PrivateKey::generate_ed25519().value();
  {
    auto file = NewKeyFile::create(path);
    REQUIRE(file);
    CHECK(NewKeyFile::create(path).error().message ==
          "'" + path + "': is there already; a key is never overwritten");
    REQUIRE(file->write(key));
  }
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777U) == 0600U);
  CHECK(read_key_file(path)->pem() == key.pem());
  REQUIRE(::chmod(path.c_str(), 0604) == 0);
  CHECK(read_key_file(path).error().message ==
        "'" + path + "': expected mode 0600 or stricter, found 0604. Run: chmod 600 " + path);
}

TEST_CASE("a file that no key was written to is removed; what is no key is refused") {
  const ScratchFolder folder;
  const std::string path = folder.path("a.key");
  {
    const auto file = NewKeyFile::create(path);
    REQUIRE(file);
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(read_key_file(path).error().kind == ErrorKind::not_found);
  CHECK(NewKeyFile::create(folder.path("none/a.key")).error().kind == ErrorKind::not_found);
  std::ofstream(path) << "no key\n";
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(read_key_file(path).error().message.starts_with("'" + path + "': "));
}
