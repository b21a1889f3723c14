#include "fleet/duties_holder.hpp"

#include <algorithm>
#include <map>
#include <string_view>

namespace muster {
namespace {

bool says_by_duties(const MasterWord& master) {
  return master.report != nullptr && !master.report->lease_holder && master.report->duties;
}

// A holder of before may be silent since, with the duties still in its last report.
const MasterWord* last_by_duties(const std::vector<MasterWord>& masters) {
  const MasterWord* last = nullptr;
  for (const MasterWord& master : masters) {
    if (says_by_duties(master) && (last == nullptr || master.seen_at >= last->seen_at))
      last = &master;
  }
  return last;
}

}  // namespace

const Report* report_of_holder(const std::vector<MasterWord>& masters) {
  const MasterWord* by_duties = last_by_duties(masters);
  std::size_t words = 0;
  std::map<std::string_view, std::size_t> named;
  for (const MasterWord& master : masters) {
    const bool says = master.report != nullptr && master.report->lease_holder;
    if (!says && &master != by_duties) continue;
    ++words;
    ++named[says ? std::string_view(*master.report->lease_holder) : master.node];
  }
  for (const MasterWord& master : masters) {
    const bool names_itself = &master == by_duties || (master.report != nullptr &&
                                                       master.report->lease_holder == master.node);
    if (names_itself && named[master.node] * 2 > words) return master.report;
  }
  return nullptr;
}

}  // namespace muster
