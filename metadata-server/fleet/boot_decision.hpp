// What follows from how a machine came up before: by which image it starts next, where it stands,
// and its boot as one line of time. Pure.
//
// Who asks for a start has proved nothing. So starts are counted only while the machine is silent
// and each within a claim's lifetime of the one before, with a claim or without; and what they can
// lead to is the image by which the machine itself, with its key, last said that it is Ready:
// nobody is taken back behind that.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "document/report.hpp"
#include "fleet/boot_states.hpp"
#include "fleet/boot_timeline.hpp"
#include "pki/certificate.hpp"

namespace muster {

// So many starts by one image that do not come to be Ready, and it is not handed out again.
inline constexpr std::uint32_t most_starts = 3;
// What comes sooner is the same start: firmware that asks again.
inline constexpr std::chrono::seconds one_start{20};

// Its last starts were by this image, and failed too often.
[[nodiscard]] bool has_failed_to_start(const BootRecord& record, std::string_view image);
// It is to start by `good` in the place of `image`, where that may still be.
[[nodiscard]] bool is_to_go_back(const BootRecord& record, std::string_view image, TimePoint now);

struct HandedOut {
  std::string image, wanted;  // what it starts by; what its document names
  std::string source;
  std::int64_t script_at = 0;    // Unix microseconds
  std::int64_t claim_until = 0;  // Unix seconds; without a claim: as if there were one
};
void note_handed_out(BootRecord& record, const HandedOut& handed_out, TimePoint now);
// False: it says nothing new.
[[nodiscard]] bool note_report(BootRecord& record, const Report& report, bool is_ready,
                               TimePoint now);

enum class BootState {
  unknown,       // nobody has started it, and it was never heard of
  accepted,      // its firmware was told what to start
  provisioning,  // it was handed its settings, or reports and is not Ready yet
  running,       // it reported itself Ready; whether it is silent since is its standing
  reprovision    // an operator ordered that its next start makes it anew
};
[[nodiscard]] std::string_view name(BootState state);
// `heard`: it reported with an identity, in this life; `ready`: its last report says that it is.
[[nodiscard]] BootState boot_state_of(const BootRecord& record, const ToldScript& script,
                                      bool heard, bool ready);

// The phases before its kernel (firmware and iPXE as the server saw them) before those of its
// reports, in seconds since the first of them; as it is where the last start is not of this boot.
[[nodiscard]] BootTimeline whole_timeline(BootTimeline reported, const BootRecord& record);

}  // namespace muster
