#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "programs/cuttle/install_plan.hpp"

namespace cuttle {

/// In which language the wizard says what to do.
enum class install_format : std::uint8_t {
  bash,
  powershell,
  values,
  terraform,
  flux,
  argocd,
};

std::optional<install_format> format_of(std::string_view name);

/// The command or document. Secrets are not among the arguments of a command:
/// bash and PowerShell give them in a file of their own, Terraform in a
/// variable; documents for a repository name a secret of the cluster, and a
/// comment says how to make it. Only `values` holds them.
std::string render(const install_plan& plan, install_format format);

/// The chart's values as YAML, with or without those that are secret.
std::string render_values(const install_plan& plan, bool with_secrets);

/// Arguments of `helm`, without its name, for a run without a shell; values are
/// in the file.
std::vector<std::string> helm_arguments(const install_plan& plan,
                                        const std::string& values_file);

} // namespace cuttle
