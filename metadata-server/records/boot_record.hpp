// How a machine that starts by the network comes up: what was handed out to it, what its reports
// say of it, and what was decided and ordered. Kind "boot", key "<cluster>/<node>"; it outlives the
// machine's identities, of which each start has a new one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

// Times are Unix microseconds of the server's clock; 0: it was not so.
struct BootRecord {
  std::string cluster, node;
  // The last start that a claim was handed out for. `image`: "image-tower/20261202.050000".
  std::string image, source;
  std::int64_t script_at = 0, archive_at = 0;
  std::int64_t claim_until = 0;  // Unix seconds
  // The texts of its newest claim (enrolment/claim), which whoever starts in its name is told on
  // plain HTTP until it is used, and of the one before.
  std::string claim, claim_before;
  // Starts by `image`, each before the claim of the one before had ended, none of which came to be
  // Ready.
  std::uint32_t starts = 0;
  std::string failure;  // what the last one's initrd gave up for, as it says
  std::int64_t failed_at = 0;
  // The last boot that reported. `running`: the image that it says it came by.
  std::string boot_id, running;
  std::int64_t kernel_at = 0, heard_at = 0, ready_at = 0;
  std::string good;     // the image by which it last came to be Ready
  std::string refused;  // an image that is not handed out to it any more: it starts by `good`
  std::int64_t refused_at = 0;
  // An operator's: its next start takes its name over, silent or not.
  std::int64_t reprovision_at = 0;
  std::string reprovision_by;
  // An operator's: what is on its state disk may be destroyed, by one start (`wipe_to`: which).
  std::string wipe_serial, wipe_by, wipe_to;
  std::int64_t wipe_at = 0, wipe_handed_at = 0, wiped_at = 0;
};
[[nodiscard]] std::string to_json(const BootRecord& record);
[[nodiscard]] Result<BootRecord> parse_boot_record(std::string_view json);

struct FoundBoot {
  BootRecord record;
  std::uint64_t version = 0;  // 0: there is none yet, `record` has only the name
};
// One that cannot be read is as none: what it told is told anew by the next start.
[[nodiscard]] Result<FoundBoot> find_boot(const Store& store, const std::string& cluster,
                                          const std::string& node);
// Guards by the version that was found, and writes.
void put_boot(const FoundBoot& found, Transaction& transaction);

// What an operator ordered is done, by the enrolment in this transaction; nothing where nothing was
// ordered.
[[nodiscard]] Result<void> end_reprovision(const Store& store, const std::string& cluster,
                                           const std::string& node, Transaction& transaction);

}  // namespace muster
