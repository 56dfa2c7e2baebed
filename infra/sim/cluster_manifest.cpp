#include "infra/sim/cluster_manifest.hpp"

#include <algorithm>
#include <set>

#include "infra/crypto/cipher.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

namespace {

constexpr std::size_t max_map_bytes = 1024 * 1024;
constexpr std::size_t max_annotation_bytes = 256 * 1024;

bool lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool letter_or_digit(char c) {
  return lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool dns_label(std::string_view text) {
  auto fits = [](char c) { return lower_or_digit(c) || c == '-'; };
  return !text.empty() && text.size() <= 63 && lower_or_digit(text.front())
         && lower_or_digit(text.back())
         && std::all_of(text.begin(), text.end(), fits);
}

bool dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253)
    return false;
  for (;;) {
    auto dot = text.find('.');
    auto part = text.substr(0, dot);
    auto fits = [](char c) { return lower_or_digit(c) || c == '-'; };
    if (part.empty() || !lower_or_digit(part.front())
        || !lower_or_digit(part.back())
        || !std::all_of(part.begin(), part.end(), fits))
      return false;
    if (dot == text.npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

bool qualified_part(std::string_view text) {
  auto fits = [](char c) {
    return letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 63 && letter_or_digit(text.front())
         && letter_or_digit(text.back())
         && std::all_of(text.begin(), text.end(), fits);
}

bool qualified_name(std::string_view text) {
  if (auto slash = text.find('/'); slash != text.npos)
    return dns_subdomain(text.substr(0, slash))
           && qualified_part(text.substr(slash + 1));
  return qualified_part(text);
}

/// Collects errors of one object.
class checker {
public:
  explicit checker(const nlohmann::json& object) : object_(object) {}

  void name() {
    auto name = text_at(object_, "/metadata/name");
    if (name.empty())
      required("metadata.name", "name or generateName is required");
    else if (!dns_subdomain(name))
      wrong("metadata.name", name,
            "a lowercase RFC 1123 subdomain must consist of lower case "
            "alphanumeric characters, '-' or '.', and must start and end with "
            "an alphanumeric character, and be no more than 253 characters");
  }

  void labels() {
    for (const auto& [key, value] :
         value_at(object_, "/metadata/labels").items()) {
      if (!qualified_name(key))
        wrong("metadata.labels", key,
              "name part must consist of alphanumeric characters, '-', '_' or "
              "'.', and must start and end with an alphanumeric character");
      if (!value.is_string())
        wrong("metadata.labels", value.dump(), "must be a string");
      else if (auto text = value.get<std::string>(); text.size() > 63)
        wrong("metadata.labels", text, "must be no more than 63 characters");
      else if (!text.empty() && !qualified_part(text))
        wrong("metadata.labels", text,
              "a valid label must be an empty string or consist of "
              "alphanumeric characters, '-', '_' or '.', and must start and "
              "end with an alphanumeric character");
    }
  }

  void annotations() {
    std::size_t bytes = 0;
    for (const auto& [key, value] :
         value_at(object_, "/metadata/annotations").items()) {
      if (!qualified_name(key))
        wrong("metadata.annotations", key, "must be a qualified name");
      if (!value.is_string())
        wrong("metadata.annotations", value.dump(), "must be a string");
      else
        bytes += key.size() + value.get_ref<const std::string&>().size();
    }
    if (bytes > max_annotation_bytes)
      errors_.push_back({"FieldValueTooLong", "metadata.annotations",
                         "Too long: may not be more than 262144 bytes"});
  }

  void pod() {
    const auto& containers = value_at(object_, "/spec/containers");
    if (!containers.is_array() || containers.empty())
      return required("spec.containers", "");
    volumes();
    std::set<std::string> names;
    container_list("spec.containers", containers, names);
    container_list("spec.initContainers",
                   value_at(object_, "/spec/initContainers"), names);
    auto policy = text_at(object_, "/spec/restartPolicy");
    if (!policy.empty() && policy != "Never" && policy != "OnFailure"
        && policy != "Always")
      errors_.push_back({"FieldValueNotSupported", "spec.restartPolicy",
                         "Unsupported value: \"" + policy
                           + "\": supported values: \"Always\", "
                             "\"OnFailure\", \"Never\""});
  }

  void map_data(bool encoded) {
    std::size_t bytes = 0;
    for (const auto& [key, value] : value_at(object_, "/data").items()) {
      auto field = "data[" + key + "]";
      auto fits = [](char c) {
        return letter_or_digit(c) || c == '-' || c == '_' || c == '.';
      };
      if (key.empty() || key.size() > 253
          || !std::all_of(key.begin(), key.end(), fits))
        wrong(field, key,
              "a valid config key must consist of alphanumeric characters, "
              "'-', '_' or '.'");
      if (!value.is_string())
        wrong(field, value.dump(), "must be a string");
      else if (encoded && !crypto::from_base64(value.get<std::string>()))
        wrong(field, "…", "illegal base64 data");
      else
        bytes += value.get_ref<const std::string&>().size();
    }
    if (encoded)
      bytes = bytes / 4 * 3;
    if (bytes > max_map_bytes)
      errors_.push_back({"FieldValueTooLong", encoded ? "data" : "",
                         "Too long: must have at most 1048576 bytes"});
  }

  std::vector<field_error> take() {
    return std::move(errors_);
  }

private:
  void required(std::string field, const std::string& why) {
    errors_.push_back({"FieldValueRequired", std::move(field),
                       "Required value" + (why.empty() ? "" : ": " + why)});
  }

  void wrong(std::string field, const std::string& value,
             const std::string& why) {
    errors_.push_back({"FieldValueInvalid", std::move(field),
                       "Invalid value: \"" + value + "\": " + why});
  }

  void volumes() {
    const auto& list = value_at(object_, "/spec/volumes");
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
      auto name = text_at(list[i], "/name");
      auto field = "spec.volumes[" + std::to_string(i) + "].name";
      if (name.empty())
        required(field, "");
      else if (!volumes_.insert(name).second)
        errors_.push_back(
          {"FieldValueDuplicate", field, "Duplicate value: \"" + name + '"'});
    }
  }

  void container_list(const std::string& path, const nlohmann::json& list,
                      std::set<std::string>& names) {
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i)
      container(path + '[' + std::to_string(i) + ']', list[i], names);
  }

  void container(const std::string& path, const nlohmann::json& value,
                 std::set<std::string>& names) {
    auto name = text_at(value, "/name");
    if (name.empty())
      required(path + ".name", "");
    else if (!dns_label(name))
      wrong(path + ".name", name,
            "a lowercase RFC 1123 label must consist of lower case "
            "alphanumeric characters or '-', and must start and end with an "
            "alphanumeric character, and be no more than 63 characters");
    else if (!names.insert(name).second)
      errors_.push_back({"FieldValueDuplicate", path + ".name",
                         "Duplicate value: \"" + name + '"'});
    if (text_at(value, "/image").empty())
      required(path + ".image", "");
    for (const auto* key : {"/command", "/args"})
      for (const auto& part : value_at(value, key))
        if (!part.is_string())
          wrong(path + '.' + (key + 1), part.dump(), "must be a string");
    const auto& env = value_at(value, "/env");
    for (std::size_t i = 0; env.is_array() && i < env.size(); ++i) {
      auto field = path + ".env[" + std::to_string(i) + ']';
      auto variable = text_at(env[i], "/name");
      if (variable.empty())
        required(field + ".name", "");
      else if (variable.find('=') != variable.npos)
        wrong(field + ".name", variable,
              "a valid environment variable name must consist only of "
              "printable ASCII characters other than '='");
      const auto& text = value_at(env[i], "/value");
      if (!text.is_null() && !text.is_string())
        wrong(field + ".value", text.dump(), "must be a string");
    }
    const auto& mounts = value_at(value, "/volumeMounts");
    for (std::size_t i = 0; mounts.is_array() && i < mounts.size(); ++i) {
      auto field = path + ".volumeMounts[" + std::to_string(i) + ']';
      auto volume = text_at(mounts[i], "/name");
      if (volumes_.count(volume) == 0)
        errors_.push_back({"FieldValueNotFound", field + ".name",
                           "Not found: \"" + volume + '"'});
      if (text_at(mounts[i], "/mountPath").empty())
        required(field + ".mountPath", "");
    }
  }

  const nlohmann::json& object_;
  std::vector<field_error> errors_;
  std::set<std::string> volumes_;
};

} // namespace

std::vector<field_error> validate(std::string_view resource,
                                  const nlohmann::json& object) {
  checker check{object};
  check.name();
  check.labels();
  check.annotations();
  if (resource == "pods")
    check.pod();
  else if (resource == "configmaps")
    check.map_data(false);
  else if (resource == "secrets")
    check.map_data(true);
  return check.take();
}

void set_pod_defaults(nlohmann::json& pod) {
  auto& spec = pod["spec"];
  auto fill = [&spec](const char* key, nlohmann::json value) {
    if (!spec.contains(key))
      spec[key] = std::move(value);
  };
  fill("restartPolicy", "Always");
  fill("terminationGracePeriodSeconds", 30);
  fill("dnsPolicy", "ClusterFirst");
  fill("schedulerName", "default-scheduler");
  fill("enableServiceLinks", true);
  if (text_at(pod, "/spec/serviceAccountName").empty())
    spec["serviceAccountName"] = "default";
  spec["serviceAccount"] = spec["serviceAccountName"];
  for (auto& container : spec["containers"])
    if (!container.contains("imagePullPolicy")) {
      auto image = text_at(container, "/image");
      auto tag = image.rfind(':');
      auto slash = image.rfind('/');
      auto tagged = tag != image.npos && (slash == image.npos || tag > slash);
      auto latest = !tagged || image.substr(tag) == ":latest";
      container["imagePullPolicy"] = latest ? "Always" : "IfNotPresent";
    }
  pod["status"] = {{"phase", "Pending"}, {"qosClass", "Burstable"}};
}

void set_secret_defaults(nlohmann::json& secret) {
  if (!secret.contains("type"))
    secret["type"] = "Opaque";
  for (const auto& [key, value] : value_at(secret, "/stringData").items())
    if (value.is_string())
      secret["data"][key] = crypto::to_base64(
        crypto::as_bytes(value.get_ref<const std::string&>()));
  secret.erase("stringData");
}

const nlohmann::json& script_container(const nlohmann::json& pod) {
  const auto& containers = value_at(pod, "/spec/containers");
  auto name = text_at(pod, "/metadata/name");
  for (const auto& container : containers)
    if (text_at(container, "/name") == name)
      return container;
  return containers.front();
}

std::string expand(std::string_view text,
                   const std::map<std::string, std::string>& variables) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      result += text[i];
    } else if (text[i + 1] == '$') {
      result += '$';
      ++i;
    } else if (text[i + 1] == '(') {
      auto end = text.find(')', i);
      if (end == text.npos) {
        result += text[i];
        continue;
      }
      auto name = std::string{text.substr(i + 2, end - i - 2)};
      auto found = variables.find(name);
      result += found == variables.end()
                  ? std::string{text.substr(i, end - i + 1)}
                  : found->second;
      i = end;
    } else {
      result += text[i];
    }
  }
  return result;
}

} // namespace cuttle::sim
