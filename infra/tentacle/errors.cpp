#include "infra/tentacle/errors.hpp"

#include <algorithm>
#include <array>

#include "infra/crypto/text_encoding.hpp"
#include "infra/tentacle/document_reader.hpp"

namespace cuttle::tentacle {

namespace {

constexpr std::size_t max_name_bytes = 200;
constexpr std::size_t max_text_bytes = 16 * 1024;

constexpr std::array<std::string_view, 4> traps
  = {"ICapabilitiesServiceV2", "CreateService(", "NotRegistered",
     "Octopus.Tentacle.Communications.UnknownServiceNameException"};

// A client does not repeat a call whose error has this text.
constexpr std::string_view no_retry = "System.IO.FileNotFoundException";

std::string_view name_of(errc code) {
  switch (code) {
  case errc::none:
    return "none";
  case errc::cancelled:
    return "cancelled";
  case errc::deadline_exceeded:
    return "deadline_exceeded";
  case errc::shutting_down:
    return "shutting_down";
  case errc::overloaded:
    return "overloaded";
  case errc::invalid_request:
    return "invalid_request";
  case errc::not_found:
    return "not_found";
  case errc::conflict:
    return "conflict";
  case errc::forbidden:
    return "forbidden";
  case errc::unavailable:
    return "unavailable";
  case errc::protocol_error:
    return "protocol_error";
  case errc::io_error:
    return "io_error";
  case errc::internal:
    return "internal";
  }
  return "unknown";
}

bool transient(errc code) {
  return code == errc::unavailable || code == errc::overloaded
         || code == errc::shutting_down || code == errc::deadline_exceeded;
}

std::string shortened(std::string_view text, std::size_t limit) {
  auto result = crypto::sanitise_utf8(text.substr(0, limit));
  if (text.size() > limit)
    result += "…";
  return result;
}

std::size_t find_ignoring_case(std::string_view text, std::string_view word,
                               std::size_t from) {
  for (auto i = from; i + word.size() <= text.size(); ++i)
    if (equal_ignoring_case(text.substr(i, word.size()), word))
      return i;
  return std::string_view::npos;
}

// Puts a space before the last character of each occurrence.
void break_up(std::string& text, std::string_view word) {
  std::size_t at = 0;
  while ((at = find_ignoring_case(text, word, at)) != std::string_view::npos) {
    text.insert(at + word.size() - 1, 1, ' ');
    at += word.size();
  }
}

bool looks_like_missing_method(std::string_view message) {
  return message.starts_with("Service ") && message.ends_with(" not found");
}

// The client judges by the beginning and the end of the message first, so a
// text such as "Service account x not found" has to be written differently.
std::string harmless(std::string message) {
  if (message.starts_with("Service not found: ")
      || looks_like_missing_method(message))
    message.insert(0, "Failed: ");
  return message;
}

halibut::server_error typed(std::string_view type, std::string message) {
  halibut::server_error result;
  result.details = type;
  result.details += ": ";
  result.details += message;
  result.message = std::move(message);
  result.halibut_type = std::string{type};
  return result;
}

} // namespace

std::string without_traps(std::string_view text) {
  std::string result{text};
  for (auto trap : traps)
    break_up(result, trap);
  return result;
}

halibut::server_error service_not_found(std::string_view service) {
  return typed(service_not_found_type,
               "Service not found: " + shortened(service, max_name_bytes));
}

halibut::server_error method_not_found(std::string_view service,
                                       std::string_view method) {
  return typed(method_not_found_type,
               "Method " + shortened(service, max_name_bytes) + "::"
                 + shortened(method, max_name_bytes) + "Async not found");
}

halibut::server_error wrong_parameters(std::string_view method,
                                       std::string_view explanation) {
  auto message = shortened(method, max_name_bytes)
                 + " can not be called with these parameters: "
                 + shortened(explanation, max_text_bytes);
  return typed(ambiguous_match_type, without_traps(message));
}

halibut::server_error to_error(const failure& reason) {
  auto text = without_traps(shortened(reason.text, max_text_bytes));
  if (text.empty())
    text = "The worker gave no reason.";
  std::string code{name_of(reason.code)};
  halibut::server_error result;
  if (transient(reason.code)) {
    break_up(text, no_retry);
    result.details
      = "The worker asks to repeat the call (" + code + "): " + text;
  } else {
    result.details = invocation_prefix;
    result.details += "\n ---> Cuttle (" + code + "): " + text;
  }
  result.message = harmless(std::move(text));
  return result;
}

failure from_error(const halibut::server_error& error) {
  constexpr std::array final_types
    = {service_not_found_type, method_not_found_type, ambiguous_match_type,
       no_match_type, service_invocation_type};
  auto contains = [](const std::string& text, std::string_view word) {
    return text.find(word) != std::string::npos;
  };
  auto final
    = error.halibut_type
      && std::find(final_types.begin(), final_types.end(), *error.halibut_type)
           != final_types.end();
  final = final || error.message.starts_with("Service not found: ")
          || looks_like_missing_method(error.message)
          || error.details.starts_with(
            "System.Reflection.AmbiguousMatchException: ")
          || error.details.starts_with(invocation_prefix)
          || contains(error.message, no_retry)
          || contains(error.details, no_retry);
  return {final ? errc::invalid_request : errc::unavailable, error.message};
}

} // namespace cuttle::tentacle
