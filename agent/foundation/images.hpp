// The releases' container images in containerd's k8s.io namespace.
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "agent/action.hpp"
#include "agent/host/host.hpp"

namespace muster {

// Imports the archive and pins its images, which kubelet's garbage collection leaves alone then
// (label io.cri-containerd.pinned; kubernetes CRI Image.pinned). The digests of the manifests that
// containerd has of it. Idempotent. invalid: `ctr` refused it, with its words.
[[nodiscard]] Result<std::set<std::string>> import_image(Process& process, const ImportImage& image,
                                                         std::chrono::milliseconds timeout);

// Whether containerd has every one of the manifests: its blobs are files (content store,
// blobs/sha256/HEX). False of none: an agent before 0.3 did not note them.
[[nodiscard]] bool has_manifests(const Filesystem& files, const std::set<std::string>& manifests);

}  // namespace muster
