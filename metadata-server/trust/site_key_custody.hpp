// The site key in a file of its operator instead of in the store: who has the server then has
// neither the key that machines pin, nor a way to let another key sign documents. Each is one
// transaction with its audit row.
#pragma once

#include "pki/certificate.hpp"
#include "pki/key_file.hpp"
#include "pki/sealed_box.hpp"
#include "store/store.hpp"

namespace muster {

// Written and durable before it is removed from the store. A document key of the server that the
// trust list does not vouch for any more goes with it, and a new one takes its place: a machine
// that is new may be shown an older list. Again, it completes what was interrupted. conflict: it
// was taken before, into another file; or `file` has something else in it.
enum class SiteKeyTaken { now, completed, before };
[[nodiscard]] Result<SiteKeyTaken> take_site_key(Store& store, const SealingKey& sealing,
                                                 NewKeyFile file, TimePoint now);
// invalid: `key` is not this site's. conflict: it is here.
[[nodiscard]] Result<void> return_site_key(Store& store, const SealingKey& sealing,
                                           const PrivateKey& key, TimePoint now);

}  // namespace muster
