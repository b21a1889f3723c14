// The zstd form that lies beside an artifact.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zstd.h>

#include <chrono>

#include "artifact/artifact_store.hpp"
#include "fakes/zstd_frames.hpp"
#include "folders.hpp"

using namespace muster;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct EncodingFixture {
  sample::Folder folder;
  ArtifactStore store = ArtifactStore::open(folder.path("store")).value();
  std::atomic<bool> stop = false;

  std::string put(const std::string& bytes) {
    auto import = store.begin_import(sha256_digest(bytes), bytes.size()).value();
    REQUIRE(import.write(bytes));
    REQUIRE(import.finish());
    return sha256_digest(bytes);
  }
  [[nodiscard]] std::string form(const std::string& digest) const {
    const auto file = store.open_encoded(digest);
    if (!file) return file.error().message;
    return file->read(0, file->size()).value();
  }
  [[nodiscard]] std::string path_of(const std::string& kind, const std::string& digest) const {
    return "store/" + kind + "/" + digest.substr(7, 2) + "/" + digest.substr(7);
  }
};

std::string unpack(const std::string& coded, std::size_t size) {
  std::string plain(size + 1, '\0');
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 23);
  ZSTD_inBuffer input{coded.data(), coded.size(), 0};
  ZSTD_outBuffer output{plain.data(), plain.size(), 0};
  const std::size_t left = ZSTD_decompressStream(context, &output, &input);
  ZSTD_freeDCtx(context);
  CHECK(left == 0);
  CHECK(input.pos == input.size);
  plain.resize(output.pos);
  return plain;
}

}  // namespace

TEST_CASE_FIXTURE(EncodingFixture, "a form is made once, is smaller, and unpacks to the artifact") {
  const std::string bytes = frames::text(12'000'000);
  const std::string digest = put(bytes);
  CHECK(form(digest) == "artifact " + digest + ": no zstd form");
  CHECK(store.not_encoded() == std::vector<std::string>{digest});
  const auto made = store.encode(digest, stop);
  REQUIRE(made);
  CHECK(made->plain == bytes.size());
  CHECK(made->size == form(digest).size());
  CHECK(made->size < bytes.size() * 6 / 10);
  CHECK((unpack(form(digest), bytes.size()) == bytes));
  CHECK(store.not_encoded().empty());
  const auto inode = [&] {
    struct stat found {};
    REQUIRE(::stat(folder.path(path_of("zstd", digest)).c_str(), &found) == 0);
    return found.st_ino;
  };
  const auto first = inode();
  REQUIRE(store.encode(digest, stop));
  CHECK(inode() == first);
  CHECK(sample::count_files(folder.path("store/incoming")) == 0);
}

TEST_CASE_FIXTURE(EncodingFixture, "what hardly gets smaller has none, and is not tried again") {
  std::string noise = random_bytes(200'000);
  const std::string digest = put(noise);
  const auto made = store.encode(digest, stop);
  REQUIRE(made);
  CHECK(made->size == 0);
  CHECK(store.not_encoded().empty());
  CHECK(store.open_encoded(digest).error().kind == ErrorKind::not_found);
  CHECK(store.encode(digest, stop)->size == 0);
}

TEST_CASE_FIXTURE(EncodingFixture, "small artifacts have none") {
  const std::string digest = put(std::string(1000, 'x'));
  CHECK(store.not_encoded().empty());
  CHECK(store.encode(digest, stop)->size == 0);
  CHECK(sample::count_files(folder.path("store/zstd")) == 0);
}

TEST_CASE_FIXTURE(EncodingFixture,
                  "nothing is made of other bytes than the artifact's, nor when it is to stop") {
  const std::string bytes = frames::text(200'000);
  const std::string digest = put(bytes);
  stop = true;
  CHECK(store.encode(digest, stop).error().kind == ErrorKind::unavailable);
  stop = false;
  std::string rotten = bytes;
  rotten[5] = '?';
  folder.write(path_of("sha256", digest), rotten);
  CHECK(store.encode(digest, stop).error().message ==
        "artifact " + digest + ": its zstd form: expected bytes with this digest, found " +
            sha256_digest(rotten) +
            ": the disk gave other bytes; import the release again, which replaces the file");
  CHECK(sample::count_files(folder.path("store/incoming")) == 0);
  CHECK(store.open_encoded(digest).error().kind == ErrorKind::not_found);
  CHECK(store.encode(sha256_digest("none"), stop).error().kind == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(EncodingFixture, "the folder of forms may be removed while the store is in use") {
  const std::string digest = put(frames::text(200'000));
  REQUIRE(store.encode(digest, stop));
  fs::remove_all(folder.path("store/zstd"));
  CHECK(store.not_encoded() == std::vector<std::string>{digest});
  REQUIRE(store.encode(digest, stop));
  CHECK(store.open_encoded(digest).has_value());
  // Anything else that is missing is told of, and is not taken for a missing artifact.
  fs::remove_all(folder.path("store/zstd"));
  fs::remove_all(folder.path("store/incoming"));
  const auto untold = store.encode(digest, stop);
  CHECK(untold.error().kind == ErrorKind::io);
  CHECK(untold.error().message.starts_with("artifact " + digest + ": its zstd form: artifact "));
}

TEST_CASE_FIXTURE(EncodingFixture, "a form goes with its artifact") {
  const std::string digest = put(frames::text(200'000)), kept = put(frames::text(200'001));
  REQUIRE(store.encode(digest, stop));
  REQUIRE(store.encode(kept, stop));
  fs::last_write_time(folder.path(path_of("sha256", digest)),
                      fs::file_time_type::clock::now() - 2h);
  CHECK(store.prune({kept}, 1h)->removed == 1);
  CHECK(store.open_encoded(digest).error().kind == ErrorKind::not_found);
  CHECK(store.open_encoded(kept).has_value());
}
