#include "enrolment/pinned_regions.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "document/problem.hpp"
#include "inventory/text_rules.hpp"

namespace muster {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = 64u << 10;

Result<std::string> read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(largest_file + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream && !stream.eof())
    return fail(ErrorKind::io, "expected a file that the server may read; correct its mode");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() <= largest_file) return text;
  return fail(ErrorKind::invalid, fmt::format("expected at most {} bytes", largest_file));
}

bool is_strong(const Certificate& certificate) {
  const PublicKey key = certificate.public_key();
  const int type = EVP_PKEY_get_base_id(key.native());
  return type == EVP_PKEY_EC || (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(key.native()) >= 2048);
}

Result<std::vector<AwsRegion>> read_region(const fs::path& path) {
  const std::string region = path.stem().string();
  if (path.extension() != ".pem" || !rules::is_aws_region(region))
    return fail(ErrorKind::invalid,
                "expected the name REGION.pem such as eu-central-1.pem; rename or remove it");
  const auto text = read_file(path.string());
  if (!text) return pass(text.error());
  const auto certificates = Certificate::list_from_pem(*text);
  if (!certificates || certificates->empty())
    return fail(
        ErrorKind::invalid,
        "expected a certificate in PEM; take that of the region from AWS's list for rsa2048 signatures");
  std::vector<AwsRegion> found;
  for (const Certificate& certificate : *certificates) {
    if (!is_strong(certificate))
      return fail(
          ErrorKind::invalid,
          "expected an RSA key of at least 2048 bits, found another; take the certificate from AWS's list for rsa2048 signatures, not for pkcs7");
    found.push_back({region, certificate});
  }
  return found;
}

}  // namespace

Result<std::vector<AwsRegion>> load_pinned_regions(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(".")) files.push_back(entry->path());
  }
  if (error)
    return fail_errno(error.value(),
                      fmt::format("awsCertificates: reading the folder '{}'", folder));
  std::sort(files.begin(), files.end());
  std::vector<AwsRegion> regions;
  std::vector<Problem> problems;
  for (const fs::path& file : files) {
    auto found = read_region(file);
    if (found) {
      regions.insert(regions.end(), found->begin(), found->end());
    } else {
      problems.push_back({fmt::format("'{}'", file.string()), found.error().message});
    }
  }
  if (files.empty())
    problems.push_back(
        {fmt::format("'{}'", folder),
         "expected a file REGION.pem such as eu-central-1.pem, found none; put one there, or leave the setting out"});
  if (!problems.empty()) return fail("awsCertificates", problems);
  return regions;
}

}  // namespace muster
