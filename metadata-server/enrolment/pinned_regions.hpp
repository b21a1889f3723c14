// AWS's signing certificates as the site pins them: a folder of files REGION.pem. AWS publishes
// them in its EC2 User Guide, "AWS public certificates for instance identity document signatures".
#pragma once

#include <string>
#include <vector>

#include "enrolment/aws_instance_identity.hpp"
#include "result/result.hpp"

namespace muster {

// Every certificate of a file counts for its region, so that an old and a new one may overlap.
// Files that begin with a dot are passed over. invalid: every problem of the folder at once, with
// its file; otherwise why the folder cannot be read. Blocking.
[[nodiscard]] Result<std::vector<AwsRegion>> load_pinned_regions(const std::string& folder);

}  // namespace muster
