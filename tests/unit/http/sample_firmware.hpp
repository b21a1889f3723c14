// A machine in its firmware before a whole server, and the netboot image that it is to start by.
#pragma once

#include "document/release.hpp"
#include "publish/releases.hpp"
#include "sample_rooms.hpp"

namespace sample {

struct ToldFirmware {
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;
  bool has(const std::string& part) const { return body.find(part) != std::string::npos; }
};

inline ToldFirmware ask_as_firmware(House& house, const std::string& target,
                                    const std::string& method = "GET",
                                    const std::string& body = {}) {
  const auto question = target.find('?');
  muster::RequestHead head;
  head.method = method;
  head.path = target.substr(0, question);
  muster::Request request;
  request.peer.listener = muster::ListenerKind::boot;
  request.peer.address = "10.77.0.99";
  request.method = head.method;
  request.path = head.path;
  if (question != std::string::npos)
    request.query = muster::parse_query(target.substr(question + 1)).value();
  request.body = body;
  const auto admission = house.router.admit(head, request.peer, "r1");
  request.route = admission.route;
  request.parameters = admission.parameters;
  const muster::Response response =
      admission.refusal ? *admission.refusal : house.router.answer(request);
  ToldFirmware told{response.status, response.body, {}};
  for (const auto& [name, value] : response.headers) told.headers[name] = value;
  return told;
}

inline const char* const asked_by_n1 =
    "/ipxe?mac=0c-c4-7a-80-09-1f&uuid=&serial=S1&platform=pcbios";

inline muster::Artifact image_file(House& house, const std::string& path,
                                   const std::string& content) {
  const std::string digest = muster::sha256_digest(content);
  auto incoming = house.artifacts.begin_import(digest, content.size()).value();
  REQUIRE(incoming.write(content));
  REQUIRE(incoming.finish());
  return {path, muster::ArtifactKind::file, "0644", digest, content.size()};
}

inline std::string artifact_path(const std::string& content) {
  return "/v1/artifacts/sha256%3A" + muster::sha256_digest(content).substr(7);
}

inline void add_image(House& house,
                      std::vector<std::string> paths = {"arguments", "initrd", "root.squashfs",
                                                        "vmlinuz"},
                      const std::string& version = "20261202.050000") {
  muster::Release image{"image-tower", version, "amd64", {}};
  for (const auto& path : paths)
    image.artifacts.push_back(image_file(
        house, path, path == "arguments" ? "console=ttyS0 root=/dev/sda || quiet\n" : path));
  REQUIRE(muster::add_release(house.store, house.artifacts, image, "root", house.time));
}

inline const std::string with_marks = ", match: {mac: [\"0c:c4:7a:80:09:1f\"], serial: S1}";

inline void publish_netbooted(House& house) {
  house.apply(small_inventory(
      with_marks + ", overrides: {netboot: {image: tower}, kernel: {arguments: [hugepages=4]}}"));
}

}  // namespace sample
