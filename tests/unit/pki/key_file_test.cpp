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

TEST_CASE("a key file that is there is gone on with, if it is one and nobody else reads it") {
  const ScratchFolder folder;
  const std::string path = folder.path("a.key");
  const auto key = PrivateKey::generate_ed25519().value();
  {
    auto made = NewKeyFile::create_or_find(path);
    REQUIRE(made);
    CHECK_FALSE(made->found());
    REQUIRE(made->write(key));
  }
  {
    const auto found = NewKeyFile::create_or_find(path);
    REQUIRE(found);
    CHECK(found->found() == key.pem());
  }
  CHECK(read_key_file(path)->pem() == key.pem());  // what was there is not removed
  CHECK(NewKeyFile::create_or_find(path)
            ->write(PrivateKey::generate_ed25519().value())
            .error()
            .message == "'" + path + "': is there already; a key is never overwritten");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  CHECK(NewKeyFile::create_or_find(path).error().message ==
        "'" + path + "': expected mode 0600 or stricter, found 0640. Run: chmod 600 " + path);
  std::filesystem::create_directory(folder.path("folder"));
  CHECK_FALSE(NewKeyFile::create_or_find(folder.path("folder")));
  std::filesystem::create_symlink(path, folder.path("link"));
  CHECK_FALSE(NewKeyFile::create_or_find(folder.path("link")));
}
