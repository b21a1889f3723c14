// User-data taken apart as Debian's cloud-init takes it apart: gzip, MIME, archives, templates that
// hold nothing to fill in. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct UserDataPart {
  enum class Kind {
    cloud_config,
    json_patch,  // '#cloud-config-jsonp'
    jinja,       // of a cloud-config, with something to fill in
    include,
    other,  // a script and the like: cloud-init's business
  };
  int line = 0;  // at which it begins
  Kind kind = Kind::other;
  std::string merge_how;
  std::string text;
};

// kind invalid, with the line, what cloud-init ends at: gzip that does not unpack, an entry of an
// archive that is none; and MIME that was cut.
[[nodiscard]] Result<std::vector<UserDataPart>> user_data_parts(std::string_view what,
                                                                const std::string& text);

}  // namespace muster
