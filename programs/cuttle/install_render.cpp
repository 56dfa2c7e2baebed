#include "programs/cuttle/install_render.hpp"

#include <array>
#include <yaml-cpp/yaml.h>

#include "programs/cuttle/shell_quote.hpp"

namespace cuttle {

namespace {

constexpr std::array<std::string_view, 6> format_names{
  "bash", "powershell", "values", "terraform", "flux", "argocd"};

using value_list = std::vector<chart_value>;

// -- YAML -------------------------------------------------------------------

// A text is always in quotes: none is taken for a number, a boolean or a tag.
YAML::Node text_node(const std::string& text) {
  YAML::Node node{text};
  node.SetTag("!");
  return node;
}

YAML::Node node_of(const chart_value& x) {
  if (auto* text = std::get_if<std::string>(&x.value))
    return text_node(*text);
  if (auto* flag = std::get_if<bool>(&x.value))
    return YAML::Node{*flag};
  if (auto* number = std::get_if<std::int64_t>(&x.value))
    return YAML::Node{*number};
  YAML::Node list{YAML::NodeType::Sequence};
  for (auto& item : std::get<std::vector<std::string>>(x.value))
    list.push_back(text_node(item));
  return list;
}

void put(YAML::Node into, std::string_view path, YAML::Node value) {
  auto dot = path.find('.');
  std::string key{path.substr(0, dot)};
  if (dot == std::string_view::npos) {
    into[key] = value;
    return;
  }
  if (!into[key])
    into[key] = YAML::Node{YAML::NodeType::Map};
  put(into[key], path.substr(dot + 1), value);
}

YAML::Node tree_of(const value_list& values, bool with_secrets) {
  YAML::Node result{YAML::NodeType::Map};
  for (auto& x : values)
    if (with_secrets || !x.secret)
      put(result, x.path, node_of(x));
  return result;
}

void emit(YAML::Emitter& out, const YAML::Node& node) {
  if (node.IsMap()) {
    out << YAML::BeginMap;
    for (auto entry : node) {
      out << YAML::Key << entry.first.as<std::string>() << YAML::Value;
      emit(out, entry.second);
    }
    out << YAML::EndMap;
  } else if (node.IsSequence()) {
    out << YAML::BeginSeq;
    for (auto item : node)
      emit(out, item);
    out << YAML::EndSeq;
  } else if (node.Tag() == "!") {
    out << YAML::DoubleQuoted << node.as<std::string>();
  } else {
    out << node.as<std::string>();
  }
}

std::string yaml_of(const YAML::Node& node) {
  YAML::Emitter out;
  emit(out, node);
  return std::string{out.c_str()} + "\n";
}

// -- commands ---------------------------------------------------------------

std::string set_text(const chart_value& x) {
  if (auto* text = std::get_if<std::string>(&x.value))
    return x.path + "=" + helm_escaped(*text);
  if (auto* flag = std::get_if<bool>(&x.value))
    return x.path + "=" + (*flag ? "true" : "false");
  if (auto* number = std::get_if<std::int64_t>(&x.value))
    return x.path + "=" + std::to_string(*number);
  std::string list;
  for (auto& item : std::get<std::vector<std::string>>(x.value))
    list += (list.empty() ? "" : ",") + helm_escaped(item);
  return x.path + "={" + list + "}";
}

bool is_text(const chart_value& x) {
  return std::holds_alternative<std::string>(x.value)
         || std::holds_alternative<std::vector<std::string>>(x.value);
}

std::string secret_text(const chart_value& x) {
  return std::get<std::string>(x.value);
}

// The parts that each shell quotes its own way, one for a line.
template <class Quote>
std::vector<std::string> command_lines(const install_plan& plan, Quote quote) {
  std::vector<std::string> lines{"helm upgrade --install --atomic",
                                 "--create-namespace --namespace "
                                   + quote(plan.namespace_name)};
  if (in_repository(plan.chart))
    lines.push_back("--version " + quote(plan.chart_version));
  for (auto& x : values_of(plan))
    if (!x.secret)
      lines.push_back((is_text(x) ? "--set-string " : "--set ")
                      + quote(set_text(x)));
  return lines;
}

std::string joined(const std::vector<std::string>& lines,
                   std::string_view continuation) {
  std::string result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    result += (i == 0 ? "" : "  ") + lines[i];
    if (i + 1 < lines.size())
      result += continuation;
    result += "\n";
  }
  return result;
}

std::string render_bash(const install_plan& plan) {
  auto lines = command_lines(plan, &bash_quoted);
  std::string head;
  for (auto& x : values_of(plan))
    if (x.secret) {
      head = "# The secret is given in a file descriptor: it is in no list of "
             "processes.\n# It is in your shell's history; a token is valid "
             "for an hour.\n";
      lines.push_back("--set-file " + x.path + "=<(printf %s "
                      + bash_quoted(secret_text(x)) + ")");
    }
  lines.push_back(bash_quoted(plan.release));
  lines.push_back(bash_quoted(plan.chart));
  return head + joined(lines, " \\");
}

std::string render_powershell(const install_plan& plan) {
  auto lines = command_lines(plan, &powershell_quoted);
  std::string head;
  std::string tail;
  unsigned number = 0;
  for (auto& x : values_of(plan)) {
    if (!x.secret)
      continue;
    auto file = "$secret" + std::to_string(++number);
    if (number == 1)
      head = "# Secrets are given in temporary files: they are in no list of "
             "processes.\n";
    head += file + " = New-TemporaryFile\n";
    head += "Set-Content -NoNewline -Path " + file + " -Value "
            + powershell_quoted(secret_text(x)) + "\n";
    // Helm takes a backslash for an escape.
    lines.push_back("--set-file ('" + x.path + "=' + (" + file
                    + ".FullName -replace '\\\\', '/'))");
    tail += "Remove-Item " + file + "\n";
  }
  lines.push_back(powershell_quoted(plan.release));
  lines.push_back(powershell_quoted(plan.chart));
  for (auto& line : lines)
    if (line.find('"') != std::string::npos) {
      head = "# A value has a double quote in it: use PowerShell 7.3 or later, "
             "or --format values.\n"
             + head;
      break;
    }
  return head + joined(lines, " `") + tail;
}

// -- documents --------------------------------------------------------------

// A document for a repository holds no secret: it names one of the cluster.
install_plan without_secrets(install_plan plan) {
  if (plan.credential_secret.empty() && !plan.credential.empty())
    plan.credential_secret = plan.release + "-octopus-auth";
  return plan;
}

std::string secret_comment(const install_plan& plan) {
  if (plan.credential_secret.empty())
    return {};
  auto key
    = plan.way == credential_way::bearer_token ? "bearer-token" : "api-key";
  std::string result
    = "# Make the secret first; paste the credential, then end with Ctrl-D. A "
      "bearer token\n# is valid for an hour, an API key until it is revoked:\n"
      "#   kubectl create secret generic "
      + bash_quoted(plan.credential_secret) + " --namespace "
      + bash_quoted(plan.namespace_name) + " --from-file=" + key
      + "=/dev/stdin\n";
  if (!plan.proxy_password.empty())
    result += "# The proxy's password is not in here; add "
              "agent.pollingProxy.password from a secret.\n";
  return result;
}

struct chart_place {
  /// Without the chart's own name.
  std::string repository;
  std::string name;
  bool oci = false;
};

chart_place place_of(const std::string& chart) {
  // A folder is named as a whole.
  auto slash = in_repository(chart) ? chart.rfind('/') : chart.npos;
  chart_place result;
  result.oci = chart.starts_with("oci://");
  result.repository = slash == std::string::npos ? "" : chart.substr(0, slash);
  result.name = slash == std::string::npos ? chart : chart.substr(slash + 1);
  return result;
}

std::string render_flux(const install_plan& given) {
  auto plan = without_secrets(given);
  auto place = place_of(plan.chart);
  auto meta = [&](YAML::Node& node, const char* version, const char* kind) {
    node["apiVersion"] = version;
    node["kind"] = kind;
    node["metadata"]["name"] = text_node(plan.release);
    node["metadata"]["namespace"] = text_node(plan.namespace_name);
  };
  YAML::Node space;
  space["apiVersion"] = "v1";
  space["kind"] = "Namespace";
  space["metadata"]["name"] = text_node(plan.namespace_name);
  YAML::Node repository;
  meta(repository, "source.toolkit.fluxcd.io/v1", "HelmRepository");
  repository["spec"]["interval"] = text_node("1h");
  if (place.oci)
    repository["spec"]["type"] = text_node("oci");
  repository["spec"]["url"] = text_node(place.repository);
  YAML::Node release;
  meta(release, "helm.toolkit.fluxcd.io/v2", "HelmRelease");
  auto spec = release["spec"];
  spec["interval"] = text_node("10m");
  spec["releaseName"] = text_node(plan.release);
  auto chart = spec["chart"]["spec"];
  chart["chart"] = text_node(place.name);
  chart["version"] = text_node(plan.chart_version);
  chart["sourceRef"]["kind"] = "HelmRepository";
  chart["sourceRef"]["name"] = text_node(plan.release);
  spec["values"] = tree_of(values_of(plan), false);
  return secret_comment(plan) + yaml_of(space) + "---\n" + yaml_of(repository)
         + "---\n" + yaml_of(release);
}

std::string render_argocd(const install_plan& given) {
  auto plan = without_secrets(given);
  auto place = place_of(plan.chart);
  // Argo CD knows OCI repositories without their scheme.
  auto repository = place.oci ? place.repository.substr(6) : place.repository;
  YAML::Node app;
  app["apiVersion"] = "argoproj.io/v1alpha1";
  app["kind"] = "Application";
  app["metadata"]["name"] = text_node(plan.release);
  app["metadata"]["namespace"] = text_node("argocd");
  auto spec = app["spec"];
  spec["project"] = text_node("default");
  spec["source"]["repoURL"] = text_node(repository);
  spec["source"]["chart"] = text_node(place.name);
  spec["source"]["targetRevision"] = text_node(plan.chart_version);
  spec["source"]["helm"]["releaseName"] = text_node(plan.release);
  spec["source"]["helm"]["valuesObject"] = tree_of(values_of(plan), false);
  spec["destination"]["server"] = text_node("https://kubernetes.default.svc");
  spec["destination"]["namespace"] = text_node(plan.namespace_name);
  spec["syncPolicy"]["automated"]["selfHeal"] = true;
  spec["syncPolicy"]["syncOptions"].push_back(
    text_node("CreateNamespace=true"));
  return secret_comment(plan) + yaml_of(app);
}

std::string hcl_of(const YAML::Node& node, const std::string& indent) {
  if (node.IsMap()) {
    std::string result = "{\n";
    for (auto entry : node)
      result += indent + "  " + entry.first.as<std::string>() + " = "
                + hcl_of(entry.second, indent + "  ") + "\n";
    return result + indent + "}";
  }
  if (node.IsSequence()) {
    std::string result;
    for (auto item : node)
      result += (result.empty() ? "" : ", ") + hcl_of(item, indent);
    return "[" + result + "]";
  }
  return node.Tag() == "!" ? hcl_quoted(node.as<std::string>())
                           : node.as<std::string>();
}

std::string render_terraform(const install_plan& plan) {
  std::string result;
  std::string secrets;
  auto variable = [](const chart_value& x) {
    return "octopus_"
           + std::string{x.path.ends_with("bearerToken")    ? "bearer_token"
                         : x.path.ends_with("serverApiKey") ? "api_key"
                                                            : "proxy_password"};
  };
  for (auto& x : values_of(plan))
    if (x.secret) {
      auto name = variable(x);
      result += "# Set it with TF_VAR_" + name + ", not in a file.\nvariable \""
                + name
                + "\" {\n  type      = string\n  sensitive = true\n}\n\n";
      auto path = x.path;
      std::string open;
      std::string close;
      for (auto dot = path.find('.'); dot != std::string::npos;
           dot = path.find('.')) {
        open += "{ " + path.substr(0, dot) + " = ";
        close += " }";
        path.erase(0, dot + 1);
      }
      secrets += "    yamlencode(" + open + "{ " + path + " = var." + name
                 + " }" + close + "),\n";
    }
  auto place = place_of(plan.chart);
  result += "resource \"helm_release\" \"octopus_worker\" {\n"
            "  name             = "
            + hcl_quoted(plan.release)
            + "\n  namespace        = " + hcl_quoted(plan.namespace_name)
            + "\n  create_namespace = true\n  atomic           = true\n";
  if (!place.repository.empty())
    result += "  repository       = " + hcl_quoted(place.repository) + "\n";
  result += "  chart            = " + hcl_quoted(place.name);
  if (in_repository(plan.chart))
    result += "\n  version          = " + hcl_quoted(plan.chart_version);
  result += "\n  values = [\n    yamlencode("
            + hcl_of(tree_of(values_of(plan), false), "    ") + "),\n" + secrets
            + "  ]\n}\n";
  return result;
}

std::string render_values_file(const install_plan& plan) {
  return "# helm upgrade --install --atomic --create-namespace --namespace "
         + bash_quoted(plan.namespace_name) + " \\\n#  "
         + (in_repository(plan.chart)
              ? " --version " + bash_quoted(plan.chart_version)
              : "")
         + " --values values.yaml " + bash_quoted(plan.release) + " "
         + bash_quoted(plan.chart)
         + "\n# Keep this file to yourself: it may hold a credential.\n"
         + render_values(plan, true);
}

} // namespace

std::optional<install_format> format_of(std::string_view name) {
  for (std::size_t i = 0; i < format_names.size(); ++i)
    if (format_names[i] == name)
      return static_cast<install_format>(i);
  return std::nullopt;
}

std::string render(const install_plan& plan, install_format format) {
  switch (format) {
  case install_format::bash:
    return render_bash(plan);
  case install_format::powershell:
    return render_powershell(plan);
  case install_format::values:
    return render_values_file(plan);
  case install_format::terraform:
    return render_terraform(plan);
  case install_format::flux:
    return render_flux(plan);
  case install_format::argocd:
    break;
  }
  return render_argocd(plan);
}

std::string render_values(const install_plan& plan, bool with_secrets) {
  return yaml_of(tree_of(values_of(plan), with_secrets));
}

std::vector<std::string> helm_arguments(const install_plan& plan,
                                        const std::string& values_file) {
  std::vector<std::string> result{
    "upgrade",     "--install",         "--atomic", "--create-namespace",
    "--namespace", plan.namespace_name, "--values", values_file};
  if (in_repository(plan.chart))
    result.insert(result.end(), {"--version", plan.chart_version});
  result.insert(result.end(), {"--", plan.release, plan.chart});
  return result;
}

} // namespace cuttle
