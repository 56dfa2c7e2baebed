#include <algorithm>
#include <initializer_list>
#include <yaml-cpp/yaml.h>

#include "infra/kubernetes/api_client.hpp"
#include "infra/kubernetes/digest.hpp"
#include "infra/kubernetes/files.hpp"

namespace cuttle::kubernetes {

namespace {

/// Reads one file; failures inside are thrown as `failure` and caught by
/// `kubeconfig_access`, since each of a dozen look-ups may fail.
class kubeconfig {
public:
  explicit kubeconfig(const std::filesystem::path& file) : file_(file) {
    auto text = read_small_file(file);
    if (!text)
      throw text.error();
    root_ = YAML::Load(*text);
    if (!root_.IsMap())
      refuse("is no kubeconfig file");
  }

  access read(const std::optional<std::string>& wanted) {
    auto context_name = wanted.value_or(text(root_, "current-context"));
    if (context_name.empty())
      refuse("names no current context");
    auto context = entry("contexts", "context", context_name);
    only(context, {"cluster", "user", "namespace", "extensions"}, "context");
    access result;
    result.namespace_name = text(context, "namespace");
    if (result.namespace_name.empty())
      result.namespace_name = "default";
    read_cluster(entry("clusters", "cluster", text(context, "cluster")),
                 result);
    auto user = text(context, "user");
    if (!user.empty())
      read_user(entry("users", "user", user), result);
    if (result.server.starts_with("http://")
        && (!result.token.empty() || !result.token_file.empty()))
      refuse("would send a token without encryption; use an https server");
    return result;
  }

private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw failure{errc::invalid_request,
                  "The kubeconfig file '" + file_.string() + "' " + why + '.'};
  }

  /// Text of a scalar member; empty when it is absent.
  std::string text(const YAML::Node& map, const std::string& key) const {
    auto value = map[key];
    if (!value || value.IsNull())
      return {};
    if (!value.IsScalar())
      refuse("has a value of a wrong type for '" + key + "'");
    return value.Scalar();
  }

  /// The element of a list with that name.
  YAML::Node entry(const std::string& list, const std::string& kind,
                   const std::string& name) const {
    auto elements = root_[list];
    if (elements && elements.IsSequence())
      for (auto element : elements)
        if (element.IsMap() && text(element, "name") == name
            && element[kind].IsDefined() && element[kind].IsMap())
          return element[kind];
    refuse("has no " + kind + " '" + name + "'");
  }

  /// Refuses members that this program does not know: ignoring one of them
  /// could mean to speak to another server, or as somebody else.
  void only(const YAML::Node& map, std::initializer_list<const char*> known,
            const std::string& what) const {
    for (auto member : map) {
      auto key = member.first.Scalar();
      if (std::find(known.begin(), known.end(), key) == known.end())
        refuse("uses '" + key + "' of a " + what
               + ", which is not supported here; use a bearer token or a "
                 "client certificate");
    }
  }

  /// A value that may be inline base64 (`<key>-data`), which wins, or a file.
  std::string content(const YAML::Node& map, const std::string& key) const {
    if (auto inline_text = text(map, key + "-data"); !inline_text.empty()) {
      auto bytes = base64_decoded(trimmed(inline_text));
      if (!bytes)
        refuse("has a '" + key + "-data' that is not base64");
      return *bytes;
    }
    auto name = text(map, key);
    if (name.empty())
      return {};
    auto bytes = read_small_file(beside(name));
    if (!bytes)
      throw bytes.error();
    return *bytes;
  }

  /// Paths are relative to the folder of the kubeconfig file.
  std::filesystem::path beside(const std::string& name) const {
    return std::filesystem::absolute(file_).parent_path() / name;
  }

  void read_cluster(const YAML::Node& cluster, access& result) const {
    only(cluster,
         {"server", "certificate-authority", "certificate-authority-data",
          "insecure-skip-tls-verify", "disable-compression", "extensions"},
         "cluster");
    result.server = text(cluster, "server");
    while (result.server.ends_with('/'))
      result.server.pop_back();
    if (!result.server.starts_with("https://")
        && !result.server.starts_with("http://"))
      refuse("has a server that is no http(s) URL");
    result.ca_pem = content(cluster, "certificate-authority");
    auto skip = cluster["insecure-skip-tls-verify"];
    if (skip && !skip.IsNull())
      result.verify_server = !skip.as<bool>();
  }

  void read_user(const YAML::Node& user, access& result) const {
    if (user["exec"])
      refuse("gets its credentials from an exec plug-in, which is not "
             "supported here; use a bearer token or a client certificate");
    only(user,
         {"token", "tokenFile", "client-certificate", "client-certificate-data",
          "client-key", "client-key-data", "extensions"},
         "user");
    result.token = text(user, "token");
    if (auto name = text(user, "tokenFile"); !name.empty())
      result.token_file = beside(name);
    result.client_certificate_pem = content(user, "client-certificate");
    result.client_key_pem = content(user, "client-key");
    if (result.client_certificate_pem.empty() != result.client_key_pem.empty())
      refuse("has a client certificate without key or a key without "
             "certificate");
  }

  std::filesystem::path file_;
  YAML::Node root_;
};

} // namespace

outcome<access> kubeconfig_access(const std::filesystem::path& file,
                                  std::optional<std::string> context) {
  try {
    return kubeconfig{file}.read(context);
  } catch (const failure& why) {
    return tl::unexpected{why};
  } catch (const YAML::Exception& error) {
    // Its text may quote the line, and a line may hold a key.
    return fail(
      errc::invalid_request,
      "The kubeconfig file '" + file.string() + "' is no valid YAML"
        + (error.mark.is_null()
             ? "."
             : " in line " + std::to_string(error.mark.line + 1) + '.'));
  } catch (const std::exception&) {
    return fail(errc::internal,
                "Reading the kubeconfig file '" + file.string() + "' failed.");
  }
}

} // namespace cuttle::kubernetes
