#pragma once

#include <string_view>

namespace cuttle {

/// What a person should know about a line in which helm says that the account
/// of the server's upgrades may not do this: one sentence for the task log;
/// empty for any other line. Only for refusals that come before anything was
/// changed; it never changes what the script does [UPG-04].
std::string_view upgrade_hint(std::string_view line);

} // namespace cuttle
