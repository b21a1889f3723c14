#include "http/artifact_encoder.hpp"
#include "http/artifact_sink.hpp"
#include "http/byte_range.hpp"
#include "http/content_encoding.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster {

Result<std::shared_ptr<ArtifactSink>> ArtifactSink::open(const ArtifactStore& store,
                                                         std::string_view digest,
                                                         std::uint64_t size) {
  auto import = store.begin_import(digest, size);
  if (!import) return pass(import.error());
  return std::shared_ptr<ArtifactSink>(new ArtifactSink(std::move(*import)));
}

namespace handlers {

// Two representations of one artifact: its bytes, and a zstd form for whoever takes it, with an
// ETag of its own. Ranges are of the bytes alone.
Result<Response> get_artifact(const Rooms& rooms, const Caller&, const Request& request) {
  const std::string& digest = request.parameters.at("digest");
  auto file = rooms.artifacts.open_artifact(digest);
  if (!file) return pass(file.error());
  bool is_encoded = false;
  const bool asks_for_part = select_range(request.header("range"), 1).has_value();
  if (!asks_for_part && accepts_coding(request.header("accept-encoding"), "zstd")) {
    auto encoded = rooms.artifacts.open_encoded(digest);
    is_encoded = encoded.has_value();
    if (is_encoded) file = std::move(encoded);
  }
  Response response;
  response.content_type = "application/octet-stream";
  const std::string etag = "\"" + digest + (is_encoded ? ";zstd" : "") + "\"";
  response.headers = {{"ETag", etag},
                      {"Cache-Control", "public, max-age=31536000, immutable"},
                      {"Vary", "Accept-Encoding"}};
  if (none_match_names(request.header("if-none-match"), etag)) {
    response.status = 304;
    return response;
  }
  if (is_encoded) response.headers.emplace_back("Content-Encoding", "zstd");
  const std::uint64_t size = file->size();
  response.file = FileBody{std::make_shared<FileDescriptor>(file->release()), size, !is_encoded};
  return response;
}

Result<Response> put_artifact(const Rooms& rooms, const Caller& caller, const Request& request) {
  auto* sink = dynamic_cast<ArtifactSink*>(request.sink.get());
  if (sink == nullptr) return fail(ErrorKind::internal, "upload without its sink");
  if (auto finished = sink->finish(); !finished) return pass(finished.error());
  rooms.enrolment.counts.note("artifact-uploaded", caller.text(), "",
                              request.parameters.at("digest"), rooms.enrolment.now());
  if (rooms.encoder != nullptr) rooms.encoder->add(request.parameters.at("digest"));
  return json_response({{"digest", request.parameters.at("digest")}});
}

}  // namespace handlers
}  // namespace muster
