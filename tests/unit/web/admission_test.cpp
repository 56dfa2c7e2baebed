#include <gtest/gtest.h>

#include "infra/web/admission.hpp"

namespace cuttle::web {

namespace {

request_head good_call() {
  return {"POST",           "/api/open",
          "127.0.0.1:4711", "http://127.0.0.1:4711",
          "same-origin",    "application/json; charset=utf-8",
          "secret"};
}

request_head good_file() {
  return {"GET", "/", "127.0.0.1:4711", "", "none", "", ""};
}

int status(const request_head& head) {
  auto why = refuse(head, {4711, "secret"});
  return why ? why->status : 200;
}

} // namespace

TEST(Admission, LetsOurOwnPageIn) {
  EXPECT_EQ(status(good_call()), 200);
  EXPECT_EQ(status(good_file()), 200);
  auto call = good_call();
  call.host = "localhost:4711";
  EXPECT_EQ(status(call), 403) << "the origin is another one";
  call.origin = "http://localhost:4711";
  EXPECT_EQ(status(call), 200);
}

TEST(Admission, KnowsNoOtherName) {
  for (auto* host : {"", "127.0.0.1", "127.0.0.1:4712", "evil.example:4711",
                     "127.0.0.1:4711.evil.example", "127.0.0.1.evil:4711"}) {
    auto call = good_call();
    call.host = host;
    EXPECT_EQ(status(call), 403) << host;
    auto file = good_file();
    file.host = host;
    EXPECT_EQ(status(file), 403) << host;
  }
}

TEST(Admission, RefusesOtherPages) {
  for (auto* origin : {"", "null", "http://evil.example",
                       "https://127.0.0.1:4711", "http://127.0.0.1:4712"}) {
    auto call = good_call();
    call.origin = origin;
    EXPECT_EQ(status(call), 403) << origin;
  }
  for (auto* site : {"cross-site", "same-site"}) {
    auto call = good_call();
    call.fetch_site = site;
    EXPECT_EQ(status(call), 403) << site;
  }
}

TEST(Admission, WantsTheWholeToken) {
  for (auto* token : {"", "secre", "secrets", "Secret"}) {
    auto call = good_call();
    call.token = token;
    EXPECT_EQ(status(call), 401) << token;
  }
  auto call = good_call();
  call.token.clear();
  EXPECT_EQ(refuse(call, {4711, ""})->status, 401) << "no token is none";
}

TEST(Admission, WantsJsonByPost) {
  auto call = good_call();
  call.content_type = "text/plain";
  EXPECT_EQ(status(call), 415);
  call = good_call();
  call.method = "GET";
  EXPECT_EQ(status(call), 405);
  call.method = "OPTIONS";
  EXPECT_EQ(status(call), 405);
  auto file = good_file();
  file.method = "DELETE";
  EXPECT_EQ(status(file), 405);
}

} // namespace cuttle::web
