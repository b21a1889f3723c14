// A record that no program reads, in a store.
#pragma once

#include <doctest/doctest.h>

#include "store/store.hpp"

namespace muster {

inline void make_unreadable(Store& store, std::string_view kind, std::string_view key) {
  Transaction spoil;
  spoil.put(kind, key, "{\"broken");
  REQUIRE(store.commit(spoil));
}

}  // namespace muster
