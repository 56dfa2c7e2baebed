#pragma once

#include <CLI/CLI.hpp>

#include "programs/cuttle/wizard.hpp"

namespace cuttle {

/// Adds `wizard` with its options, which must outlive the parser.
CLI::App* add_wizard(CLI::App& app, wizard_options& options);

} // namespace cuttle
