// Signed messages of others whose signer is known beforehand: CMS (RFC 5652) and PKCS #7 SignedData
// with the content inside, such as AWS's instance identity document. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pki/certificate.hpp"
#include "result/result.hpp"

namespace muster {

struct CmsContent {
  std::string bytes;       // exactly what was signed: parse these and nothing else of the message
  std::size_t signer = 0;  // which of `signers`
};

// `der`: at most 64 KiB. One signature by one of `signers`, SHA-256 or better, RSA of 2048 bits or
// more or an EC key. Certificates inside the message are never looked at, since anybody can put
// his own there (`openssl smime -verify -certfile PIN -noverify` takes those too). Validity dates
// of `signers` are not asked: they are pinned. invalid: not such a message; forbidden: not signed
// by one of them, or too weakly.
[[nodiscard]] Result<CmsContent> verify_cms(std::string_view der,
                                            const std::vector<Certificate>& signers);

}  // namespace muster
