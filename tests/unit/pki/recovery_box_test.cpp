#include "pki/recovery_box.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "fakes/scratch_folder.hpp"
#include "pki/signature.hpp"

using namespace muster;

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Box {
  ScratchFolder folder;
  PrivateKey key = PrivateKey::generate_p256().value();
  std::string content = random_bytes(3u << 20);
  std::string file = folder.path("box"), opened = folder.path("opened");

  Box() {
    std::ofstream out(file, std::ios::binary);
    auto writer =
        RecoveryWriter::begin(recovery_certificate(key).value(), [&](std::string_view bytes) {
          out << bytes;
          return Result<void>();
        });
    REQUIRE(writer);
    REQUIRE(writer->write("first "));
    REQUIRE(writer->write(content));
    REQUIRE(writer->finish());
  }
};

}  // namespace

TEST_CASE("what was encrypted to the recovery key opens with it, by openssl's own command too") {
  const Box box;
  CHECK(read(box.file).find(box.content.substr(100, 64)) == std::string::npos);
  REQUIRE(open_recovery_file(box.file, box.key, box.opened));
  CHECK(read(box.opened) == "first " + box.content);
  std::ofstream(box.folder.path("key.pem")) << box.key.pem();
  const std::string command = fmt::format(
      "openssl cms -decrypt -binary -inform DER -in {0} -inkey {1}/key.pem -out {1}/by-hand",
      box.file, box.folder.path());
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(read(box.folder.path("by-hand")) == "first " + box.content);
}

TEST_CASE("bytes after it are not its own") {
  const Box box;
  std::ofstream(box.file, std::ios::binary | std::ios::app) << "\nmore\n";
  REQUIRE(open_recovery_file(box.file, box.key, box.opened));
  CHECK(read(box.opened) == "first " + box.content);
}

TEST_CASE("with another key, altered or cut off nothing of it is left") {
  const Box box;
  PrivateKey key = box.key;
  std::string bytes = read(box.file);
  SUBCASE("another key") {
    key = PrivateKey::generate_p256().value();
  }
  SUBCASE("a byte of the content") {
    bytes[bytes.size() / 2] ^= 1;
  }
  SUBCASE("the last byte of its tag") {
    const auto tag = bytes.find_last_not_of('\0');
    bytes[tag] ^= 1;
  }
  SUBCASE("cut off") {
    bytes.resize(bytes.size() / 2);
  }
  std::ofstream(box.file, std::ios::binary) << bytes;
  const auto refused = open_recovery_file(box.file, key, box.opened);
  REQUIRE_FALSE(refused);
  CHECK_FALSE(std::ifstream(box.opened).is_open());
}
