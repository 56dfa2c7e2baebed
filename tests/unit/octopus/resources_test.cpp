#include "infra/octopus/http_result.hpp"
#include "infra/octopus/resources.hpp"

namespace cuttle::octopus {

TEST(Answers, ThatAreNoneOfAnOctopusServerAreNamed) {
  for (auto body : {"", "<html></html>", "[]", "{}", "{\"Application\":1}",
                    "{\"Application\":\"Octopus Deploy\"}"})
    EXPECT_EQ(read_root(body).error().what, mistake::not_octopus) << body;
}

TEST(Answers, OfWrongTypesNeverThrow) {
  for (auto body :
       {"", "null", "1", "[1,null,[]]", "{\"Items\":3}",
        "{\"Items\":[{\"Id\":3},null,{\"Id\":\"x\",\"Links\":[],"
        "\"Endpoint\":[],\"WorkerPoolIds\":{\"a\":1}}],\"Links\":7}"}) {
    (void)read_user(body);
    (void)read_spaces(body);
    (void)read_links(body, "x");
    (void)read_named(body, "x");
    (void)read_workers(body);
    (void)read_worker(body);
    (void)read_thumbprint(body);
    (void)read_access_token(body);
    (void)error_message(body);
  }
  auto page = read_workers("{\"Items\":[{\"Id\":3},{\"Id\":\"x\"}],\"Links\":{"
                           "\"Page.Next\":\"/n\"}}");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->next, "/n");
}

TEST(Answers, OfErrorsBecomeOneLine) {
  EXPECT_EQ(
    error_message(R"({"ErrorMessage":"Bad.","Errors":["a\nb","Bad."]})"),
    "Bad. a b");
  EXPECT_EQ(error_message("<html>"), "");
}

TEST(Versions, OfTheRestApiMustBe30) {
  auto good = [](const char* api, const char* version) {
    return check_version({version, api, {}}).has_value();
  };
  EXPECT_TRUE(good("3.0.0", "2024.2.9396"));
  EXPECT_TRUE(good("3.0.99", "0.0.0-local"));
  EXPECT_FALSE(good("3.0.100", "2024.2"));
  EXPECT_FALSE(good("3.1.0", "2024.2"));
  EXPECT_FALSE(good("4.0.0", "2024.2"));
  EXPECT_FALSE(good("3.0.0x", "2024.2"));
  EXPECT_FALSE(good("3.0.0", "2.6.5"));
}

TEST(Tokens, TellWhenTheyEnd) {
  // {"exp":1700000000,"nbf":1699996400}
  auto times = times_of_token(
    "e30.eyJleHAiOjE3MDAwMDAwMDAsIm5iZiI6MTY5OTk5NjQwMH0.c2ln");
  ASSERT_TRUE(times.expiry);
  EXPECT_EQ(minute_of(*times.expiry), "2023-11-14 22:13 UTC");
  EXPECT_TRUE(times.not_before);
  for (auto text :
       {"", "a", "a.b", "a.!.c", "..", "e30.e30.e30", "e30.eyJleHAiOiJ4In0.c"})
    EXPECT_FALSE(times_of_token(text).expiry) << text;
}

TEST(Lines, AreOneLineOfWellFormedText) {
  EXPECT_EQ(one_line("a\r\n\tb\x01"), "a b");
  EXPECT_EQ(one_line("abcdef", 3), "abc…");
  EXPECT_EQ(one_line("\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(listed({}), "none");
  EXPECT_EQ(listed({"a"}), "'a'");
  EXPECT_EQ(listed({"a", "b", "c"}), "'a', 'b' and 'c'");
  EXPECT_EQ(listed({"a", "b", "c"}, 2), "'a', 'b' and 1 more");
}

} // namespace cuttle::octopus
