#include "publish/based_on.hpp"

#include <fmt/format.h>

#include "document/time_text.hpp"
#include "publish/quarantine.hpp"

namespace muster {
namespace {

// The digest of a revision that is named by its number, or by the beginning of it; else as given.
Result<std::string> digest_of(const Store& store, const std::string& cluster,
                              const std::string& revision) {
  constexpr std::size_t digest_size = 71;  // "sha256:" and 64 digits
  if (revision.empty() || revision.size() == digest_size) return revision;
  const auto found = find_published(store, cluster, revision);
  if (found) return found->digest;
  if (is_store_away(found.error())) return pass(found.error());
  return revision;  // of another server, maybe
}

// Whether an operator published since then.
Result<bool> has_same_content(const Store& store, const ClusterRecord& current,
                              const std::string& based_on) {
  if (based_on.empty() || current.revision.empty()) return false;
  const auto base = find_published(store, current.name, based_on);
  if (!base && is_store_away(base.error())) return pass(base.error());
  if (!base || base->digest != based_on) return false;
  return (base->content == 0 ? base->number : base->content) == content_of(current);
}

}  // namespace

Revision last_order(const Store& store, const ClusterRecord& current) {
  auto found = find_published(store, current.name, std::to_string(content_of(current)));
  if (found) return std::move(*found);
  Revision last;
  last.actor = current.actor;
  last.published_at = current.published_at;
  return last;
}

Result<void> check_based_on(const Store& store, const ClusterRecord& current,
                            const std::string& given, bool is_signed) {
  const auto digest = digest_of(store, current.name, given);
  if (!digest) return pass(digest.error());
  const std::string& based_on = *digest;
  if (based_on == current.revision) return {};
  const auto is_same = is_signed ? false : has_same_content(store, current, based_on);
  if (!is_same) return pass(is_same.error());
  if (*is_same) return {};
  if (current.revision.empty()) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "cluster '{}': based on revision {}, but nothing is published yet. Is this the right server? Then apply again based on none.",
            current.name, based_on));
  }
  const Revision last = is_signed ? Revision() : last_order(store, current);
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "cluster '{}': based on {}, but {} published {} at {}. Look at it with `muster diff`, then apply again based on that one.",
          current.name, based_on.empty() ? "no revision" : "revision " + based_on,
          is_signed ? current.actor : last.actor, current.revision,
          utc_text(is_signed ? current.published_at : last.published_at)));
}

}  // namespace muster
