#include "actors/failure.hpp"

#include <caf/message.hpp>
#include <string>

namespace cuttle {

caf::error to_error(const failure& reason) {
  return caf::make_error(reason.code, reason.text);
}

failure to_failure(const caf::error& reason) {
  if (reason.category() == caf::type_id_v<errc>) {
    std::string text;
    if (reason.context().match_elements<std::string>())
      text = reason.context().get_as<std::string>(0);
    return {static_cast<errc>(reason.code()), std::move(text)};
  }
  return {errc::unavailable,
          "The part of the worker that handled this request ended ("
            + to_string(reason) + "); it is rebuilt from the cluster."};
}

caf::error to_exit_reason(std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return caf::make_error(errc::internal, std::string{e.what()});
  } catch (...) {
    return caf::make_error(errc::internal, std::string{"unknown exception"});
  }
}

} // namespace cuttle
