// A service of a few paths for tests of the event front: /small, /echo, /blocking (waits for
// `gate`), /upload (spools), /file, /throws; anything else is a 404.
#pragma once

#include <fcntl.h>

#include <atomic>
#include <future>
#include <string>

#include "http/error_response.hpp"
#include "http/service.hpp"

namespace muster {

class FakeService final : public Service {
 public:
  std::string folder;  // of /upload and of the file "content"
  std::shared_future<void> gate;
  std::atomic<int> answered{0};
  std::atomic<int> noted{0};

  Admission admit(const RequestHead& head, const Peer&, std::string_view id) override {
    Admission admission;
    if (head.path == "/echo") {
      admission.body_limit = 64;
    } else if (head.path == "/blocking") {
      admission.blocking = true;
    } else if (head.path == "/upload") {
      admission.body_limit = 1u << 20;
      admission.spool_folder = folder;
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
    if (request.path == "/blocking" && gate.valid()) gate.wait();
    if (request.path == "/file") {
      FileBody file;
      file.descriptor = std::make_shared<FileDescriptor>(
          open((folder + "/content").c_str(), O_RDONLY | O_CLOEXEC));
      file.size = static_cast<std::uint64_t>(lseek(file.descriptor->get(), 0, SEEK_END));
      response.file = file;
    } else if (request.path == "/upload") {
      response.body = std::to_string(lseek(request.body_file->descriptor(), 0, SEEK_END));
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
