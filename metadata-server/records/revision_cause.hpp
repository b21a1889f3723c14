// What a revision was published for, in words. It is seen from what it was compiled of and what the
// one before it was: nobody has to write it down, and it cannot be untrue. Publications between
// revisions keep nothing to compare; they say what they were due for (records/due).
#pragma once

#include <string>

#include "records/revision.hpp"

namespace muster {

// "inventory", "drain of n1", "n1 drained no more", "ban of n1", "3 machines admitted: w-1, w-2,
// w-3", "upgrade of runc", "back to revision 3"; several, joined by "; ". `before`: the one before
// it; nullptr where there is none or it is not kept: then "inventory" of the first, else "".
[[nodiscard]] std::string cause_of(const Revision& revision, const Revision* before);

}  // namespace muster
