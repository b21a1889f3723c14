#include "fleet/other_history.hpp"

#include <algorithm>

namespace muster {

std::uint64_t generation_of_peers(const Report& report) {
  return std::max(report.peers_generation, report.duties ? report.duties->peers_generation : 0);
}

std::uint64_t generation_of_another_history(const Report& report, const ServedAnswer* document,
                                            const ServedAnswer* peers) {
  std::uint64_t found = 0;
  if (document != nullptr) {
    const bool is_other =
        !report.fetched_digest.empty() && report.fetched_digest != document->digest();
    if (report.generation > document->generation ||
        (report.generation == document->generation && is_other))
      found = report.generation;
  }
  const std::uint64_t of_peers = generation_of_peers(report);
  if (peers != nullptr && of_peers > peers->generation) found = std::max(found, of_peers);
  if (const auto& contradiction = report.contradiction) {
    const ServedAnswer* of = contradiction->of == "peers" ? peers : document;
    // Of what was published anew since it refuses nothing.
    if (of != nullptr && contradiction->generation >= of->generation)
      found = std::max(found, contradiction->generation);
  }
  return found;
}

TakenGenerations taken_generations(const CurrentDocuments& current, const MachineReports& reports,
                                   const std::string& cluster) {
  TakenGenerations taken;
  const auto served = current.cluster(cluster);
  if (!served) return taken;
  // Of one epoch (2^32 publications), so that this number is far from where JSON's end.
  const std::uint64_t epoch_end = ((served->revision_number >> 32) + 1) << 32;
  const std::uint64_t limit =
      std::min(served->revision_number + longest_lost_history, epoch_end - 1);
  reports.each_of(cluster, [&](const std::string& node, const HeardMachine& heard) {
    const auto& out = served->banned_machines;
    if (!heard.report || std::find(out.begin(), out.end(), node) != out.end()) return;
    const auto document = served->documents.find(node);
    const std::uint64_t generation =
        generation_of_another_history(*heard.report, document.get(), served->peers.get());
    if (generation == 0) return;
    (generation > limit ? taken.absurd : taken.machines).push_back({node, generation});
  });
  return taken;
}

}  // namespace muster
