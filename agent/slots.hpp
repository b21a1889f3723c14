// The slots of a machine's state disk, from which it starts by itself (images/netboot/README.md,
// "Slots"). The disk is the image's business: what is there is read of a file, and what is to be
// done is a unit of the image's.
#pragma once

#include "agent/converge.hpp"

namespace muster {

// Of a machine that has slots, on a settled document: the slot that runs is told to be good, and
// the image that the document names is written for the next start, which tries it once. What a slot
// died of, and what fails here, is told as unwell: nothing else waits for it.
[[nodiscard]] ConvergeResult<> keep_slots(Run& run, ConvergeState& state);

}  // namespace muster
