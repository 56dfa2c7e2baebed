#pragma once

#include <string>
#include <string_view>

namespace cuttle::kubernetes {

/// One word of a POSIX shell that stands for exactly `text`: single quotes
/// around it, so that nothing inside is interpreted [POD-11].
std::string shell_word(std::string_view text);

/// The text that Kubernetes turns back into `text` when it replaces `$(NAME)`
/// in `command`, `args` and `env`. Without it an argument with such a
/// reference would change on its way to the container.
std::string kubernetes_literal(std::string_view text);

} // namespace cuttle::kubernetes
