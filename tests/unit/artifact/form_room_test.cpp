// Forms on a disk that is nearly full: they take nothing that others need, and give way.
#include "artifact/form_room.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "artifact/artifact_store.hpp"
#include "fakes/zstd_frames.hpp"
#include "folders.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t megabyte = 1'000'000;

// A store on a file system of 20 MB, whose forms leave 2 MB free.
struct SmallDisk {
  sample::Folder folder;
  bool is_there = false;
  std::atomic<bool> stop = false;

  SmallDisk() {
    fs::create_directory(folder.path("small"));
    is_there = ::mount("tmpfs", folder.path("small").c_str(), "tmpfs", 0, "size=20000k") == 0;
    if (!is_there) MESSAGE("SKIPPED: a tmpfs cannot be mounted here (needs root)");
  }
  ~SmallDisk() {
    if (is_there) ::umount2(folder.path("small").c_str(), MNT_DETACH);
  }
  [[nodiscard]] ArtifactStore open() const {
    return ArtifactStore::open(folder.path("small/store")).value();
  }
  [[nodiscard]] std::uint64_t free() const {
    struct statvfs found {};
    REQUIRE(::statvfs(folder.path("small").c_str(), &found) == 0);
    return std::uint64_t{found.f_bavail} * found.f_frsize;
  }
  // Others leave so much.
  void fill(std::uint64_t left) const {
    const std::uint64_t size = free() - left;
    folder.write("small/" + std::to_string(size), std::string(size, 'o'));
  }
  [[nodiscard]] std::size_t incoming() const {
    return sample::count_files(folder.path("small/store/incoming"));
  }
};

std::string put(const ArtifactStore& store, const std::string& bytes) {
  auto import = store.begin_import(sha256_digest(bytes), bytes.size()).value();
  REQUIRE(import.write(bytes));
  REQUIRE(import.finish());
  return sha256_digest(bytes);
}

}  // namespace

TEST_CASE("a tenth of the file system stays free, at most 1 GiB") {
  CHECK(FormRoom::reserve_of(100 * megabyte) == 10 * megabyte);
  CHECK(FormRoom::reserve_of(1u << 30) == (1u << 30) / 10);
  CHECK(FormRoom::reserve_of(std::uint64_t{1} << 40) == 1u << 30);
}

TEST_CASE_FIXTURE(SmallDisk, "a form is made where room stays for others, and only there") {
  if (!is_there) return;
  const auto store = open();
  const std::string digest = put(store, frames::text(6 * megabyte));
  fill(5 * megabyte);
  const auto refused = store.encode(digest, stop);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::exhausted);
  CHECK(
      refused.error().message ==
      "artifact " + digest +
          ": its zstd form: not made: a tenth of the file system (at most 1 GiB) stays free for the database and artifacts; 'muster release prune' makes room");
  CHECK(free() > 49 * megabyte / 10);
  CHECK(incoming() == 0);
  for (const auto& entry : fs::directory_iterator(folder.path("small"))) {
    if (entry.is_regular_file()) fs::remove(entry.path());
  }
  REQUIRE(store.encode(digest, stop));
  // An import that announced itself has what it announced.
  const std::string more = frames::text(3 * megabyte);
  const std::string second = put(store, more);
  auto import = store.begin_import(sha256_digest("x"), free() - 3 * megabyte).value();
  CHECK(store.encode(second, stop).error().kind == ErrorKind::exhausted);
  { const ArtifactImport given_up = std::move(import); }
  CHECK(store.encode(second, stop).has_value());
}

TEST_CASE_FIXTURE(SmallDisk, "an import that would not fit beside forms takes their place") {
  if (!is_there) return;
  const auto store = open();
  const std::string digest = put(store, frames::text(6 * megabyte));
  REQUIRE(store.encode(digest, stop));
  const auto left = free();
  const std::string noise = random_bytes(left + megabyte);
  const std::string large = put(store, noise);
  CHECK(store.verify(large));
  CHECK(store.open_encoded(digest).error().kind == ErrorKind::not_found);
  CHECK(store.form_room().take_removed() > 2 * megabyte);
  CHECK(store.form_room().take_removed() == 0);
}

TEST_CASE_FIXTURE(SmallDisk, "a disk that is full in the middle of an import is cleared of forms") {
  if (!is_there) return;
  const auto store = open();
  const std::string digest = put(store, frames::text(6 * megabyte));
  REQUIRE(store.encode(digest, stop));
  const std::string noise = random_bytes(4 * megabyte);
  auto import = store.begin_import(sha256_digest(noise), noise.size()).value();
  REQUIRE(import.write(std::string_view(noise).substr(0, megabyte)));
  CHECK(store.open_encoded(digest).has_value());
  fill(megabyte + 12345);
  const auto written = import.write(std::string_view(noise).substr(megabyte));
  REQUIRE_MESSAGE(written, (written ? "" : written.error().message));
  REQUIRE(import.finish());
  CHECK(store.verify(sha256_digest(noise)));
  CHECK(store.open_encoded(digest).error().kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(SmallDisk,
                  "forms go when others fill the disk, no more than is needed, marks stay") {
  if (!is_there) return;
  const auto store = open();
  const std::string first = put(store, frames::text(3 * megabyte));
  const std::string second = put(store, frames::text(3 * megabyte + 1));
  const std::string noise = put(store, random_bytes(megabyte));
  for (const std::string& digest : {first, second, noise}) REQUIRE(store.encode(digest, stop));
  store.form_room().make_room();
  CHECK(store.form_room().take_removed() == 0);
  fill(megabyte);
  store.form_room().make_room();
  CHECK(store.open_encoded(first).has_value() != store.open_encoded(second).has_value());
  CHECK(free() > 2 * megabyte);
  CHECK(store.not_encoded().size() == 1);
}

TEST_CASE_FIXTURE(SmallDisk, "the form in work gives way first, and is not placed") {
  if (!is_there) return;
  const auto store = open();
  FormRoom& room = store.form_room();
  folder.write("small/work", std::string(megabyte, 'w'));
  const FileDescriptor file(::open(folder.path("small/work").c_str(), O_WRONLY | O_CLOEXEC));
  room.begin_form(file.get());
  room.make_room();
  CHECK(room.is_whole());
  room.promise(free());
  room.make_room();
  CHECK_FALSE(room.is_whole());
  CHECK(fs::file_size(folder.path("small/work")) == 0);
  CHECK_FALSE(room.end_form());
  room.begin_form(file.get());
  CHECK(room.is_whole());
  CHECK(room.end_form());
}
