#include "result/file_descriptor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace muster;

namespace {
FileDescriptor open_something() {
  return FileDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
}
bool exists(int number) {
  return fcntl(number, F_GETFD) != -1;
}
}  // namespace

TEST_CASE("a descriptor is closed once: when it goes, is closed, or is assigned to") {
  int gone = -1;
  {
    const FileDescriptor file = open_something();
    gone = file.get();
    CHECK(exists(gone));
  }
  CHECK_FALSE(exists(gone));

  FileDescriptor first = open_something();
  FileDescriptor second = open_something();
  const int closed = first.get(), kept = second.get();
  first = std::move(second);
  CHECK_FALSE(exists(closed));
  CHECK(first.get() == kept);
  CHECK(exists(kept));
  first.close();
  CHECK_FALSE(first.is_open());
  CHECK_FALSE(exists(kept));
}
