// Why a call of httplib brought no answer, in words. Of this room only.
#pragma once

#include <httplib.h>

#include <string>

#include "result/result.hpp"

namespace muster {

// unauthenticated: the peer's certificate; timeout and unavailable: everything else.
[[nodiscard]] tl::unexpected<Error> failed_transport(const std::string& where,
                                                     httplib::Error error);

}  // namespace muster
