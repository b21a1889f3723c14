// What a machine that the inventory has is started by, where its firmware asks the network: by its
// document, which names the image, and the image's release.
#pragma once

#include "artifact/artifact_store.hpp"
#include "boot/ipxe_script.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// The files that a netboot image is, by their path in its release (images/netboot).
namespace netboot_files {
inline constexpr std::string_view kernel = "vmlinuz", initrd = "initrd", root = "root.squashfs",
                                  arguments = "arguments";
}  // namespace netboot_files

// By the image that its document names, or, where that failed too often, by the one by which it
// last was Ready (boot_decision.hpp). not_found, "starts_from_disk": its document names no image.
// unavailable: what it is to start by is not there yet ("no_document", "sealed", "image_missing"):
// it may ask again. conflict, "image_other_kind": its image is no netboot image.
[[nodiscard]] Result<NetbootOrder> netboot_order(const Fleet& fleet, const ArtifactStore& artifacts,
                                                 const NodeName& node);

// It has an identity on its state disk, by which it goes on: its start takes nobody's place, needs
// no claim and waits for no silence. Not so before it was heard of with that identity, and where
// another key was ordered or the disk is to be wiped.
[[nodiscard]] Result<bool> keeps_identity(const Fleet& fleet, const NodeName& node,
                                          const NetbootOrder& order);
// The claim that goes into its archive, in one transaction with a note of the start; "" for a
// machine that keeps its identity, and for a control-plane machine, which waits for an operator's
// approval, as the segment's word is not enough for it: their starts are noted while they are
// silent. Refusals as claim_for's, and unavailable,
// "machine_running": its identity was heard of within three polls, and whoever starts in its place
// is not it.
[[nodiscard]] Result<std::string> claim_of(const Fleet& fleet, const NodeName& node,
                                           const NetbootOrder& order, const std::string& source);
// machine_running alone, before anything is handed out.
[[nodiscard]] Result<void> check_silent(const Fleet& fleet, const NodeName& node);

// What its initrd gave up for: the first word of it since its last start, while the claim of that
// is good. Anybody may say it, and nothing is decided by it.
[[nodiscard]] Result<void> note_boot_failure(const Fleet& fleet, const NodeName& node,
                                             const std::string& text);

}  // namespace muster
