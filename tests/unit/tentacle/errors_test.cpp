#include <gtest/gtest.h>

#include "infra/tentacle/errors.hpp"
#include "support.hpp"

namespace cuttle::tentacle {

namespace {

using namespace test;

constexpr errc transient_codes[]
  = {errc::unavailable, errc::overloaded, errc::shutting_down,
     errc::deadline_exceeded};
constexpr errc final_codes[]
  = {errc::none,      errc::cancelled,      errc::invalid_request,
     errc::not_found, errc::conflict,       errc::forbidden,
     errc::io_error,  errc::protocol_error, errc::internal};

constexpr std::string_view traps[]
  = {"ICapabilitiesServiceV2", "CreateService(", "NotRegistered",
     "Octopus.Tentacle.Communications.UnknownServiceNameException"};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST(Errors, FailuresOfAHandlerAreServiceInvocations_HAL78_SVC58) {
  for (auto code : final_codes) {
    auto error = to_error({code, "The volume is full."});
    EXPECT_EQ(error.message, "The volume is full.");
    EXPECT_TRUE(error.details.starts_with(
      "System.Reflection.TargetInvocationException: Exception has been thrown "
      "by the target of an invocation.\n ---> "));
    EXPECT_TRUE(contains(error.details, "The volume is full."));
    EXPECT_FALSE(error.halibut_type);
    EXPECT_EQ(from_error(error).code, errc::invalid_request);
  }
}

TEST(Errors, TransientOnesMakeTheClientTryAgain_HAL81) {
  for (auto code : transient_codes) {
    auto error = to_error({code, "The API server does not answer."});
    EXPECT_EQ(error.message, "The API server does not answer.");
    EXPECT_FALSE(error.details.empty());
    EXPECT_FALSE(error.halibut_type);
    EXPECT_EQ(from_error(error).code, errc::unavailable);
    EXPECT_EQ(from_error(error).text, error.message);
  }
}

TEST(Errors, TransientOnesStayTransientWhateverTheirText_HAL81) {
  for (auto text :
       {"Service not found: x", "Service x not found",
        "System.IO.FileNotFoundException: x",
        "System.Reflection.AmbiguousMatchException: x",
        "System.Reflection.TargetInvocationException: Exception has been "
        "thrown by the target of an invocation."}) {
    auto error = to_error({errc::unavailable, text});
    EXPECT_EQ(from_error(error).code, errc::unavailable) << text;
  }
}

TEST(Errors, FailuresNeverLookLikeAMissingMethod_HAL78) {
  for (auto text :
       {"Service account \"x\" not found", "Service not found: x"}) {
    auto error = to_error({errc::not_found, text});
    EXPECT_FALSE(error.message.starts_with("Service ")) << error.message;
    EXPECT_TRUE(contains(error.message, text));
    EXPECT_TRUE(error.details.starts_with(invocation_prefix));
  }
}

TEST(Errors, NeverContainATrap_HAL80) {
  for (auto trap : traps) {
    std::string text = "before ";
    text += trap;
    text += " after ";
    text += trap;
    for (auto code : {errc::internal, errc::unavailable}) {
      auto error = to_error({code, text});
      for (auto any : traps) {
        EXPECT_FALSE(contains(error.message, any)) << error.message;
        EXPECT_FALSE(contains(error.details, any)) << error.details;
      }
      EXPECT_TRUE(contains(error.message, "before "));
      EXPECT_TRUE(contains(error.message, " after "));
    }
    auto wrong = wrong_parameters("GetStatus", text);
    EXPECT_FALSE(contains(wrong.message, trap));
    EXPECT_FALSE(contains(wrong.details, trap));
  }
  EXPECT_FALSE(
    contains(without_traps("NotRegNotRegisteredistered"), "NotRegistered"));
  EXPECT_FALSE(
    contains(without_traps("notregisterednotregistered"), "notregistered"));
}

TEST(Errors, OfCapabilitiesHaveNoTrapEither_SVC03) {
  auto error
    = rejected(request_of("ICapabilitiesServiceV2", "GetCapabilities",
                          [](document_writer& out) { out.null("0"); }));
  for (auto trap : traps) {
    EXPECT_FALSE(contains(error.message, trap));
    EXPECT_FALSE(contains(error.details, trap));
  }
}

TEST(Errors, AreNeverEmpty_HAL79) {
  for (auto code : {errc::internal, errc::unavailable}) {
    auto error = to_error({code, ""});
    EXPECT_FALSE(error.message.empty());
    EXPECT_FALSE(error.details.empty());
  }
  auto service = service_not_found("");
  EXPECT_FALSE(service.message.empty());
  EXPECT_FALSE(service.details.empty());
}

TEST(Errors, OfTheThreeKindsHaveThreeTypes_HAL77) {
  auto service = service_not_found("IFoo");
  EXPECT_EQ(service.message, "Service not found: IFoo");
  EXPECT_EQ(service.details,
            "Halibut.Exceptions.ServiceNotFoundHalibutClientException: "
            "Service not found: IFoo");
  EXPECT_EQ(service.halibut_type, service_not_found_type);
  auto method = method_not_found("IFileTransferService", "Move");
  EXPECT_EQ(method.message, "Method IFileTransferService::MoveAsync not found");
  EXPECT_EQ(method.details,
            "Halibut.Exceptions.MethodNotFoundHalibutClientException: Method "
            "IFileTransferService::MoveAsync not found");
  EXPECT_EQ(method.halibut_type, method_not_found_type);
  auto wrong = wrong_parameters("GetStatus", "it takes 1, not 2");
  EXPECT_EQ(wrong.halibut_type, ambiguous_match_type);
  EXPECT_TRUE(wrong.details.starts_with(
    "Halibut.Exceptions.AmbiguousMethodMatchHalibutClientException: "));
}

TEST(Errors, AreValidTextOfBoundedSize) {
  auto error = to_error({errc::internal, std::string(1'000'000, '\xFF')});
  EXPECT_LT(error.message.size(), 60'000u);
  EXPECT_EQ(error.message.find('\xFF'), std::string::npos);
}

TEST(Errors, AreClassifiedAsTheRealClientDoes) {
  auto code = [](std::string message, std::string details,
                 std::optional<std::string> type = std::nullopt) {
    return from_error({std::move(message), std::move(details), std::move(type)})
      .code;
  };
  EXPECT_EQ(code("x", "y", std::string{service_not_found_type}),
            errc::invalid_request);
  EXPECT_EQ(code("Service not found: IFoo", "y"), errc::invalid_request);
  EXPECT_EQ(code("Service IFoo::Bar not found", "y"), errc::invalid_request);
  EXPECT_EQ(code("x", "System.Reflection.AmbiguousMatchException: y"),
            errc::invalid_request);
  EXPECT_EQ(code("x", "System.IO.FileNotFoundException: y"),
            errc::invalid_request);
  EXPECT_EQ(code("The Tentacle service is shutting down and cannot process "
                 "this request.",
                 "System.Exception: x"),
            errc::unavailable);
  EXPECT_EQ(code("x", "y", "Halibut.HalibutClientException"),
            errc::unavailable);
}

} // namespace cuttle::tentacle
