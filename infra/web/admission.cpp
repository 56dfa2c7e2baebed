#include "infra/web/admission.hpp"

#include <openssl/crypto.h>

namespace cuttle::web {

namespace {

bool same_token(std::string_view given, std::string_view right) {
  return !right.empty() && given.size() == right.size()
         && CRYPTO_memcmp(given.data(), right.data(), right.size()) == 0;
}

bool is_json(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' '))
    type.remove_suffix(1);
  return type == "application/json";
}

} // namespace

std::optional<refusal> refuse(const request_head& head,
                              const admission_rules& rules) {
  auto port = ":" + std::to_string(rules.port);
  // (port 80 is left out by browsers)
  auto ours = [&](std::string_view host) {
    for (std::string name : {"127.0.0.1", "localhost"})
      if (host == name + port || (rules.port == 80 && host == name))
        return true;
    return false;
  };
  if (!ours(head.host))
    return refusal{403, "This page is http://127.0.0.1" + port
                          + "/ and answers to no other name."};
  if (!head.fetch_site.empty() && head.fetch_site != "same-origin"
      && head.fetch_site != "none")
    return refusal{403, "Other pages may not use this one."};
  if (!head.path.starts_with(call_prefix)) {
    if (head.method == "GET" || head.method == "HEAD")
      return std::nullopt;
    return refusal{405, "Files are read with GET."};
  }
  if (head.method != "POST")
    return refusal{405, "Calls are made with POST."};
  if (head.origin != "http://" + head.host)
    return refusal{403, "Other pages may not call this one."};
  if (!is_json(head.content_type))
    return refusal{415, "Calls are made with JSON."};
  if (!same_token(head.token, rules.token))
    return refusal{401, "The token is wrong. Open the address that 'cuttle "
                        "wizard --web' printed in the terminal, all of it."};
  return std::nullopt;
}

} // namespace cuttle::web
