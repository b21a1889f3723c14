// A service of a few paths for tests of the event front: /small, /echo, /blocking (waits for
// `gate`), /large (likewise, and is large), /pooled (on a worker, waits for nothing), /upload
// (streams its body, behind `gate` too), /file, /throws; anything else is a 404.
#pragma once

#include <fcntl.h>

#include <atomic>
#include <future>
#include <string>

#include "http/error_response.hpp"
#include "http/service.hpp"

namespace muster {

struct CountingSink final : BodySink {
  std::size_t limit = 1u << 20, count = 0;
  std::shared_future<void> gate;
  Result<void> write(std::string_view bytes) override {
    if (gate.valid()) gate.wait();
    count += bytes.size();
    if (count > limit) return fail(ErrorKind::exhausted, "the disk is full");
    return {};
  }
};

class FakeService final : public Service {
 public:
  std::string folder;  // of the file "content"
  std::shared_future<void> gate;
  std::uint64_t echo_limit = 64;
  std::uint64_t upload_limit = 1u << 20;  // of the head; its sink takes 800000 bytes
  std::atomic<int> answered{0};
  std::atomic<int> noted{0};

  Admission admit(const RequestHead& head, const Peer& peer, std::string_view id) override {
    Admission admission;
    admission.share = {true, peer.address, {}};
    if (head.path == "/echo") {
      admission.body_limit = echo_limit;
    } else if (head.path == "/blocking") {
      admission.blocking = true;
      admission.is_for_people = head.query == "people";
    } else if (head.path == "/large") {
      admission.blocking = admission.is_large = true;
    } else if (head.path == "/pooled") {
      admission.blocking = true;
    } else if (head.path == "/upload") {
      admission.body_limit = upload_limit;
      auto sink = std::make_shared<CountingSink>();
      sink->limit = 800000;
      sink->gate = gate;
      admission.sink = sink;
      admission.blocking = true;
    } else if (head.path != "/small" && head.path != "/file" && head.path != "/throws") {
      admission.refusal = error_response({ErrorKind::not_found, "no such path"}, id);
    }
    return admission;
  }

  Response answer(const Request& request) override {
    ++answered;
    Response response;
    response.content_type = "text/plain";
    if (request.path == "/throws") throw std::runtime_error("a secret detail");
    if ((request.path == "/blocking" || request.path == "/large") && gate.valid()) gate.wait();
    if (request.path == "/file") {
      FileBody file;
      file.descriptor = std::make_shared<FileDescriptor>(
          open((folder + "/content").c_str(), O_RDONLY | O_CLOEXEC));
      file.size = static_cast<std::uint64_t>(lseek(file.descriptor->get(), 0, SEEK_END));
      response.file = file;
    } else if (request.path == "/upload") {
      response.body = std::to_string(dynamic_cast<CountingSink&>(*request.sink).count);
    } else if (request.path == "/echo") {
      response.body = request.body;
    } else if (request.path == "/small") {
      response.body = request.peer.certificate ? request.peer.certificate->common_name() : "small";
      if (request.peer.user) response.body = "user " + std::to_string(*request.peer.user);
      const auto found = request.query.find("name");
      if (found != request.query.end()) response.body += " " + found->second;
    }
    return response;
  }

  void note(std::string_view, std::string_view, std::size_t, const Peer&, int, std::string_view,
            std::chrono::microseconds) override {
    ++noted;
  }
};

}  // namespace muster
