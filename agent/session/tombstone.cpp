#include "agent/session/tombstone.hpp"

#include "agent/paths.hpp"
#include "agent/state/set_aside.hpp"
#include "document/time_text.hpp"

namespace muster {
namespace {

Result<void> check(std::string_view what, std::string_view expected, std::string_view found) {
  if (expected == found) return {};
  return fail(ErrorKind::forbidden, fmt::format("tombstone refused: {}: expected '{}', found '{}'",
                                                what, expected, found));
}

std::string_view words_of(OnDelete on_delete) {
  switch (on_delete) {
    case OnDelete::poweroff:
      return "this machine switches itself off";
    case OnDelete::reset:
      return "everything of it is taken away from this machine";
    case OnDelete::keep:
      return "this machine is left as it is, and nothing is started again";
  }
  return "";
}

}  // namespace

Result<Tombstone> verify_tombstone(const Envelope& envelope, const TrustList& trust,
                                   const Identity& identity) {
  const std::string cluster = identity.cluster();
  auto key = find_document_key(trust, envelope.key_id, cluster);
  if (!key) return while_doing(key.error(), "tombstone refused");
  if (auto verified = verify_envelope(envelope, tombstone_type, *key); !verified)
    return while_doing(verified.error(), "tombstone refused");
  auto tombstone = parse_tombstone(envelope.payload);
  if (!tombstone) return while_doing(tombstone.error(), "tombstone refused");
  for (const auto& matches :
       {check("site", trust.site, tombstone->site), check("cluster", cluster, tombstone->cluster),
        check("node", identity.node(), tombstone->node),
        // Of an earlier machine of this name otherwise, and no word about this one.
        check("identity", identity.key.public_key().fingerprint(), tombstone->identity)}) {
    if (!matches) return pass(matches.error());
  }
  return tombstone;
}

Result<void> keep_tombstone(const Tombstone& tombstone, Filesystem& files) {
  if (auto made = files.make_directory(paths::state, paths::state_mode); !made) return made;
  if (is_tombstone_damaged(files)) {
    if (auto aside = set_aside(files, paths::tombstone); !aside) return aside;
  }
  return files.write(paths::tombstone, to_canonical_json(tombstone), 0600);
}

Result<std::optional<Tombstone>> kept_tombstone(const Filesystem& files) {
  const auto text = files.read(paths::tombstone);
  if (!text && text.error().kind == ErrorKind::not_found) return std::nullopt;
  auto tombstone = text ? parse_tombstone(*text) : pass(text.error());
  if (!tombstone) {
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "{}: {}\nthis machine's cluster has ended, and what it is to do is damaged; the server is asked for it, and until it answers nothing is started. To take everything away: muster-agent reset --yes",
            paths::tombstone, tombstone.error().message));
  }
  return std::optional<Tombstone>(std::move(*tombstone));
}

bool is_tombstone_damaged(const Filesystem& files) {
  return !kept_tombstone(files);
}

std::string to_text(const Tombstone& tombstone) {
  return fmt::format("cluster '{}' ended at {}: {}", tombstone.cluster,
                     utc_text(tombstone.ended_at), words_of(tombstone.on_delete));
}

}  // namespace muster
