#include "agent/sources/user_data_origin.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include "document/field_syntax.hpp"
#include "document/problem.hpp"

namespace muster {
namespace {

constexpr const char* link_local = "http://169.254.169.254:80";

std::string line_of(const Filesystem& files, const std::string& path) {
  auto text = files.read(path, 64u << 10);
  if (!text) return {};
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  return *text;
}

std::string smbios(const Filesystem& files, const std::string& field) {
  return line_of(files, "/sys/class/dmi/id/" + field);
}

bool is_container(const Filesystem& files) {
  return files.status("/run/systemd/container").has_value();
}

// One UUID in 4096 starts with "ec2" by chance, so the serial number must be the same text.
bool is_ec2(const Filesystem& files) {
  if (smbios(files, "sys_vendor") == "Amazon EC2") return true;
  if (lower_case(line_of(files, "/sys/hypervisor/uuid")).rfind("ec2", 0) == 0) return true;
  const std::string uuid = lower_case(smbios(files, "product_uuid"));
  return uuid.rfind("ec2", 0) == 0 && uuid == lower_case(smbios(files, "product_serial"));
}

bool is_gce(const Filesystem& files) {
  return smbios(files, "product_name") == "Google Compute Engine" ||
         smbios(files, "product_serial").rfind("GoogleCloud-", 0) == 0;
}

// "s=PLACE" of "ds=nocloud;s=PLACE;h=NAME"; nullopt where `text` has no such word.
std::optional<std::string> seed_in(const std::string& text) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    std::erase(word, '"');
    if (word.rfind("ds=nocloud", 0) != 0) continue;
    std::istringstream fields(word);
    for (std::string field; std::getline(fields, field, ';');) {
      if (field.rfind("s=", 0) == 0) return field.substr(2);
      if (field.rfind("seedfrom=", 0) == 0) return field.substr(9);
    }
  }
  return std::nullopt;
}

// cloud-init's rule: the name is put after a slash, or as it is after a query.
std::string with_name(const std::string& place) {
  const bool is_bare = place.find('?') != std::string::npos || place.back() == '/';
  return place + (is_bare ? "" : "/") + "user-data";
}

Result<std::optional<UserDataOrigin>> seed_at(const std::string& place) {
  if (place.starts_with('/')) {
    return UserDataOrigin{UserDataDialect::folder, "", with_name(place)};
  }
  if (place.rfind("file:///", 0) == 0) {
    return UserDataOrigin{UserDataDialect::folder, "", with_name(place.substr(7))};
  }
  const std::size_t host_end = std::min(place.find_first_of("/?", 7), place.size());
  if (place.rfind("http://", 0) != 0 || host_end <= 7) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "ds=nocloud: expected s=http://HOST/PATH/ or a folder, found {}; the agent knows no authority to verify an https seed by",
            in_ticks(place)));
  }
  std::string base = place.substr(0, host_end);
  const std::string host = base.substr(7);
  const bool has_port = host.rfind(':') != std::string::npos && host.back() != ']';
  if (!has_port) base += ":80";
  std::string path = place.substr(host_end);
  if (!path.starts_with('/')) path.insert(0, "/");
  return UserDataOrigin{UserDataDialect::nocloud, base, with_name(path)};
}

}  // namespace

std::string name(const UserDataOrigin& origin) {
  switch (origin.dialect) {
    case UserDataDialect::ec2:
      return "EC2 user-data";
    case UserDataDialect::ec2_identity:
      return "EC2 instance identity";
    case UserDataDialect::gce:
      return "GCE user-data";
    case UserDataDialect::digitalocean:
      return "DigitalOcean user-data";
    case UserDataDialect::nocloud:
    case UserDataDialect::folder:
      return fmt::format("NoCloud user-data ({}{})", origin.base_url, origin.path);
  }
  return "user-data";
}

Result<std::optional<UserDataOrigin>> find_user_data(const Filesystem& files) {
  const bool in_container = is_container(files);
  std::string arguments = line_of(files, in_container ? "/proc/1/cmdline" : "/proc/cmdline");
  std::replace(arguments.begin(), arguments.end(), '\0', ' ');
  if (const auto place = seed_in(arguments)) return seed_at(*place);
  if (!in_container) {
    if (const auto place = seed_in(smbios(files, "product_serial"))) return seed_at(*place);
  }
  for (const char* seed : {"nocloud", "nocloud-net"}) {
    const std::string file = fmt::format("/var/lib/cloud/seed/{}/user-data", seed);
    if (files.status(file)) return UserDataOrigin{UserDataDialect::folder, "", file};
  }
  if (in_container) return std::nullopt;
  if (is_ec2(files)) return UserDataOrigin{UserDataDialect::ec2, link_local, "/latest/user-data"};
  if (is_gce(files)) {
    return UserDataOrigin{UserDataDialect::gce, link_local,
                          "/computeMetadata/v1/instance/attributes/user-data"};
  }
  if (smbios(files, "sys_vendor") == "DigitalOcean") {
    return UserDataOrigin{UserDataDialect::digitalocean, link_local, "/metadata/v1/user-data"};
  }
  return std::nullopt;
}

std::optional<UserDataOrigin> find_instance_identity(const Filesystem& files) {
  if (is_container(files) || !is_ec2(files)) return std::nullopt;
  return UserDataOrigin{UserDataDialect::ec2_identity, link_local,
                        "/latest/dynamic/instance-identity/rsa2048"};
}

}  // namespace muster
