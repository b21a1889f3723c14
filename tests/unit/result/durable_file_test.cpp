#include "result/durable_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <fstream>
#include <sstream>

#include "fakes/scratch_folder.hpp"
#include "result/file_descriptor.hpp"

using namespace muster;

TEST_CASE("a file is written whole and synced with its folder") {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/file";
  const std::string bytes(3u << 20, 'x');
  {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    CHECK(write_all(file.get(), bytes, path));
  }
  CHECK(sync_path(path));
  CHECK(sync_folder_of(path));
  CHECK(sync_folder_of("relative"));
  CHECK(sync_folder_of("/"));
  std::ostringstream read;
  read << std::ifstream(path).rdbuf();
  CHECK(read.str() == bytes);
}

TEST_CASE("what cannot be written or synced is named") {
  CHECK(sync_path("/nowhere/x").error().message ==
        "opening '/nowhere/x': No such file or directory");
  CHECK(sync_folder_of("/nowhere/x").error().message ==
        "opening '/nowhere': No such file or directory");
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const auto written = write_all(full.get(), "x", "/dev/full");
  REQUIRE_FALSE(written);
  CHECK(written.error().kind == ErrorKind::exhausted);
  CHECK(written.error().message == "writing '/dev/full': No space left on device");
}
