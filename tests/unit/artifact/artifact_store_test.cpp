#include "artifact/artifact_store.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "folders.hpp"

using namespace muster;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const std::string content = "the bytes of an artifact";
const std::string name_of_content = sha256_digest(content);

Result<void> put(const ArtifactStore& store, const std::string& bytes, const std::string& digest,
                 std::uint64_t size) {
  auto import = store.begin_import(digest, size);
  if (!import) return pass(import.error());
  // In two pieces, as from a socket.
  for (const std::string& piece : {bytes.substr(0, 5), bytes.substr(5)}) {
    if (auto written = import->write(piece); !written) return written;
  }
  return import->finish();
}

void age(const ArtifactStore& store, const std::string& digest) {
  const std::string hex = digest.substr(7);
  fs::last_write_time(store.folder() + "/sha256/" + hex.substr(0, 2) + "/" + hex,
                      fs::file_time_type::clock::now() - 2h);
}

}  // namespace

TEST_CASE("what is imported can be read under its digest") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  REQUIRE(put(store, content, name_of_content, content.size()));
  const auto file = store.open_artifact(name_of_content);
  REQUIRE(file);
  CHECK(file->size() == content.size());
  CHECK(file->read(0, 1000).value() == content);
  CHECK(file->read(4, 5).value() == "bytes");
  CHECK(file->read(1000, 5).value().empty());
  CHECK(store.contains(name_of_content, content.size()));
  CHECK(store.verify(name_of_content));
  const std::string hex = name_of_content.substr(7);
  CHECK(fs::exists(folder.path("store/sha256/" + hex.substr(0, 2) + "/" + hex)));
  CHECK(sample::count_files(folder.path("store")) == 1);
}

TEST_CASE("a second import changes nothing, and its bytes are checked all the same") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  REQUIRE(put(store, content, name_of_content, content.size()));
  const auto again = store.begin_import(name_of_content, content.size());
  REQUIRE(again);
  CHECK(again->is_present());
  CHECK(put(store, content, name_of_content, content.size()));
  CHECK_FALSE(put(store, std::string(content.size(), 'x'), name_of_content, content.size()));
  folder.write("a file", content);
  CHECK(store.import_file(folder.path("a file"), name_of_content, content.size()));
  CHECK(sample::count_files(folder.path("store")) == 1);
}

TEST_CASE("short, altered and longer bytes are refused and leave nothing") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  const auto refusal = [&](const std::string& bytes) {
    const auto refused = put(store, bytes, name_of_content, content.size());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::invalid);
    return refused.error().message;
  };
  CHECK(refusal(content.substr(0, 20)) ==
        "artifact " + name_of_content +
            ": expected 24 bytes, found 20: it was cut short, send it again");
  std::string altered = content;
  altered[3] = '!';
  CHECK(refusal(altered) ==
        "artifact " + name_of_content + ": expected bytes with this digest, found " +
            sha256_digest(altered) + ": the bytes or the manifest were altered");
  CHECK(refusal(content + "x") ==
        "artifact " + name_of_content + ": expected 24 bytes, found more");
  CHECK(sample::count_files(folder.path("store")) == 0);
}

TEST_CASE("names that are not digests and artifacts that are not there") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  CHECK(
      store.open_artifact("sha256:../../etc/passwd").error().message ==
      "artifact: expected 'sha256:' and 64 lower-case hex digits, found 'sha256:../../etc/passwd'");
  CHECK_FALSE(store.begin_import("sha256:abc", 1));
  const auto missing = store.open_artifact(name_of_content);
  CHECK(missing.error().kind == ErrorKind::not_found);
  CHECK(missing.error().message ==
        "artifact " + name_of_content +
            ": not in the store; 'muster release import' brings the release that holds it");
}

TEST_CASE("prune keeps what is referred to and what is young") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  const std::string referred = sha256_digest("referred"), old = sha256_digest("ancient"),
                    young = sha256_digest("young");
  REQUIRE(put(store, "referred", referred, 8));
  REQUIRE(put(store, "ancient", old, 7));
  REQUIRE(put(store, "young", young, 5));
  age(store, referred);
  age(store, old);
  const auto open = store.open_artifact(old).value();
  const auto outcome = store.prune({referred}, 1h).value();
  CHECK(outcome.removed == 1);
  CHECK(outcome.kept == 2);
  CHECK(outcome.bytes_removed == 7);
  CHECK_FALSE(store.contains(old, 7));
  CHECK(open.read(0, 10).value() == "ancient");  // a download in progress goes on
  CHECK(store.prune({referred}, 1h).value().removed == 0);
}

TEST_CASE("an import of what is there keeps prune away from it") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  REQUIRE(put(store, content, name_of_content, content.size()));
  age(store, name_of_content);
  REQUIRE(store.begin_import(name_of_content, content.size()));
  CHECK(store.prune({}, 1h).value().removed == 0);
}

TEST_CASE("verify tells what the disk gave") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  REQUIRE(put(store, content, name_of_content, content.size()));
  const std::string hex = name_of_content.substr(7);
  const std::string path = "store/sha256/" + hex.substr(0, 2) + "/" + hex;
  folder.write(path, "rotten");
  const auto checked = store.verify(name_of_content);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().kind == ErrorKind::corrupt);
  CHECK(checked.error().message ==
        "artifact " + name_of_content + ": expected bytes with this digest, found " +
            sha256_digest("rotten") + ": '" + folder.path(path) +
            "' is damaged; 'muster release import' of its release replaces it");
  // The size differs, so the next import writes it anew.
  REQUIRE(put(store, content, name_of_content, content.size()));
  CHECK(store.verify(name_of_content));
}

TEST_CASE(
    "a damaged artifact of the right size is replaced by the next import, a sound one is not") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  const std::string hex = name_of_content.substr(7);
  const std::string path = "store/sha256/" + hex.substr(0, 2) + "/" + hex;
  // In the first piece that is sent, in the second one, in the last byte.
  for (const std::size_t at : {std::size_t{2}, std::size_t{9}, content.size() - 1}) {
    CAPTURE(at);
    std::string damaged = content;
    damaged[at] ^= 1;
    folder.write(path, damaged);
    REQUIRE_FALSE(store.verify(name_of_content));
    // Wrong bytes mend nothing.
    CHECK_FALSE(put(store, std::string(content.size(), 'x'), name_of_content, content.size()));
    REQUIRE_FALSE(store.verify(name_of_content));
    REQUIRE(put(store, content, name_of_content, content.size()));
    CHECK(store.verify(name_of_content));
  }
  const auto before = fs::status(folder.path(path)).permissions();
  CHECK_FALSE(put(store, std::string(content.size(), 'x'), name_of_content, content.size()));
  CHECK(store.verify(name_of_content));
  CHECK(fs::status(folder.path(path)).permissions() == before);
  CHECK(sample::count_files(folder.path("store")) == 1);
}

TEST_CASE("many threads import the same artifact at once") {
  const sample::Folder folder;
  const std::string bytes(1u << 20, 'm');
  const std::string digest = sha256_digest(bytes);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto store = ArtifactStore::open(folder.path("store")).value();
      CHECK(put(store, bytes, digest, bytes.size()));
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(ArtifactStore::open(folder.path("store")).value().verify(digest));
  CHECK(sample::count_files(folder.path("store")) == 1);
}
