// The key pairs of the document. A version is a folder NAME/SERIAL with tls.key, tls.crt, ca.crt;
// the link at the specification's path switches to it as a whole. Keys are made here and never
// leave.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "agent/server.hpp"
#include "document/node_document.hpp"
#include "pki/certificate.hpp"

namespace muster {

using Authorities =
    std::map<std::string, std::vector<std::string>>;  // name -> CA certificates, PEM

// One of the reasons: the document asks for another certificate than the one that is there.
inline constexpr std::string_view specification_changed = "its specification changed";
// Another: a pair that somebody put there, or a copy in the place of the link.
inline constexpr std::string_view not_issued = "not the one that was issued";

// Why a new one is needed; empty: it is in order. Half of a lifetime passed is a reason, except for
// the one-hour certificate that binds the first roles.
[[nodiscard]] std::string reason_to_obtain(const Filesystem& files, const CertificateSpec& spec,
                                           const Authorities& authorities, TimePoint now);

// Whether nothing but a renewal is asked of it (or that it is the one that was issued) and it is
// still valid: what runs can go on with it.
[[nodiscard]] bool may_wait(const Filesystem& files, const CertificateSpec& spec,
                            const Authorities& authorities, TimePoint now);

// Where the link at `spec.path` points; empty: nowhere.
[[nodiscard]] std::string current_version(const Filesystem& files, const CertificateSpec& spec);

// One request for all. Each is complete and verified (its key, its authority) before its link
// switches; the version before is kept. One that is not valid yet at `now` is not taken (invalid).
// Safe to repeat after a crash at any point.
[[nodiscard]] Result<void> obtain(Filesystem& files, Server& server,
                                  const std::vector<CertificateSpec>& specs,
                                  const Authorities& authorities, TimePoint now);

}  // namespace muster
