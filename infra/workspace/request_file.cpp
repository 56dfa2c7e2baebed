#include "infra/workspace/request_file.hpp"

#include <algorithm>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "infra/workspace/volume.hpp"

namespace cuttle::workspace {

namespace fs = std::filesystem;

namespace {

using nlohmann::json;

constexpr std::string_view suffix = ".request";
constexpr int format = 1;
// The year 2100.
constexpr std::int64_t latest_ms = 4'102'444'800'000;

void put(json& to, const char* name, const std::optional<std::string>& value) {
  if (value)
    to[name] = *value;
}

std::optional<std::string> text_of(const json& from, const char* name) {
  auto i = from.find(name);
  if (i == from.end())
    return std::nullopt;
  return i->get<std::string>();
}

// Only a number that was written as a whole one: a fraction would be
// converted, which is undefined beyond the range.
std::int64_t whole_of(const json& from, const char* name) {
  return from.at(name).get_ref<const json::number_integer_t&>();
}

json to_json(const pod_image& x) {
  auto result = json::object();
  put(result, "image", x.image);
  put(result, "url", x.feed_url);
  put(result, "user", x.feed_username);
  put(result, "password", x.feed_password);
  return result;
}

json to_json(const auth_context& x) {
  json result = {{"space", x.space_slug},
                 {"project", x.project_slug},
                 {"environment", x.environment_slug},
                 {"step", x.step_slug}};
  put(result, "group", x.project_group_slug);
  put(result, "tenant", x.tenant_slug);
  return result;
}

pod_image read_image(const json& x) {
  return {text_of(x, "image"), text_of(x, "url"), text_of(x, "user"),
          text_of(x, "password")};
}

auth_context read_auth(const json& x) {
  return {x.at("space").get<std::string>(),
          x.at("project").get<std::string>(),
          text_of(x, "group"),
          x.at("environment").get<std::string>(),
          text_of(x, "tenant"),
          x.at("step").get<std::string>()};
}

kept_request read_fields(const json& x) {
  auto command = std::make_shared<start_script>();
  auto& c = *command;
  c.ticket.task_id = x.at("ticket").get<std::string>();
  c.task_id = x.at("task").get<std::string>();
  c.raw = x.at("raw").get<bool>();
  c.isolation = x.at("exclusive").get<bool>() ? isolation_level::full
                                              : isolation_level::none;
  c.isolation_timeout = std::chrono::milliseconds{whole_of(x, "mutex_ms")};
  c.isolation_mutex_name = x.at("mutex").get<std::string>();
  c.arguments = x.at("arguments").get<std::vector<std::string>>();
  c.service_account = text_of(x, "account");
  c.platform = text_of(x, "platform");
  if (auto i = x.find("image"); i != x.end())
    c.image = read_image(*i);
  if (auto i = x.find("auth"); i != x.end())
    c.auth = read_auth(*i);
  if (auto i = x.find("calamari"); i != x.end())
    c.calamari = calamari_image{i->at("name").get<std::string>(),
                                i->at("version").get<std::string>()};
  // (within what a time stamp can hold)
  auto since_ms
    = std::clamp<std::int64_t>(whole_of(x, "since_ms"), 0, latest_ms);
  timestamp since{std::chrono::duration_cast<timestamp::duration>(
    std::chrono::milliseconds{since_ms})};
  auto ticket = c.ticket;
  return {std::move(ticket), since, std::move(command), {}};
}

fs::path file_of(const fs::path& home, const script_ticket& ticket) {
  return queue_directory(home) / (ticket.task_id + std::string{suffix});
}

tl::unexpected<failure> unreadable(const script_ticket& ticket) {
  return fail(errc::invalid_request,
              "The request of script '" + ticket.task_id
                + "' that was kept on the volume is not the one that the "
                  "worker wrote.");
}

} // namespace

std::string encode_request(const start_script& command, timestamp since) {
  auto since_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
    since.time_since_epoch());
  json x = {{"format", format},
            {"since_ms", since_ms.count()},
            {"ticket", command.ticket.task_id},
            {"task", command.task_id},
            {"raw", command.raw},
            {"exclusive", command.isolation == isolation_level::full},
            {"mutex_ms", command.isolation_timeout.count()},
            {"mutex", command.isolation_mutex_name},
            {"arguments", command.arguments}};
  put(x, "account", command.service_account);
  put(x, "platform", command.platform);
  if (command.image)
    x["image"] = to_json(*command.image);
  if (command.auth)
    x["auth"] = to_json(*command.auth);
  if (command.calamari)
    x["calamari"] = {{"name", command.calamari->name},
                     {"version", command.calamari->version}};
  // Not JSON, which has no way to write every string.
  std::string result;
  json::to_cbor(x, result);
  return result;
}

outcome<kept_request> decode_request(std::string_view text) {
  auto wrong = [] {
    return fail(errc::invalid_request,
                "A kept request has another form than this release writes.");
  };
  try {
    // (an impossible size is thrown in any case)
    auto x = json::from_cbor(text.begin(), text.end(), true, false);
    if (!x.is_object())
      return wrong();
    if (whole_of(x, "format") != format)
      return wrong();
    return read_fields(x);
  } catch (const json::exception&) {
    return wrong();
  }
}

fs::path queue_directory(const fs::path& home) {
  return home / ".cuttle" / "queue";
}

outcome<void> write_request(volume_call& call, const fs::path& home,
                            const start_script& command,
                            const crypto::log_key& seal, timestamp since) {
  auto text = encode_request(command, since);
  if (text.size() > largest_request)
    return fail(errc::invalid_request,
                "The request has " + std::to_string(text.size())
                  + " bytes without its files; at most "
                  + std::to_string(largest_request)
                  + " can be kept while the script waits.");
  std::array<std::uint8_t, 12> nonce;
  crypto::random_bytes(nonce);
  auto sealed = crypto::seal(seal, nonce, text);
  auto folder = make_folder(call, queue_directory(home), private_mode);
  auto path = file_of(home, command.ticket);
  constexpr unsigned owner_only = 0600;
  write_file(call, folder.get(), path.filename().string(),
             {reinterpret_cast<const char*>(sealed.data()), sealed.size()},
             owner_only, path);
  return {};
}

outcome<kept_request> read_request(volume_call& call, const fs::path& home,
                                   const script_ticket& ticket,
                                   const crypto::log_key& seal) {
  auto path = file_of(home, ticket);
  auto number = -1;
  auto error = call.attempt(
    "open", path,
    [&] {
      number
        = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      return number;
    },
    [](int code) { return code == ENOENT || code == ELOOP; });
  if (error == ENOENT)
    return fail(errc::not_found, "The request of script '" + ticket.task_id
                                   + "' is not on the volume any more.");
  if (error != 0)
    return unreadable(ticket);
  descriptor file{number};
  struct stat info;
  call("look at", path, [&] { return ::fstat(file.get(), &info); });
  constexpr std::size_t around = 64;
  if (!S_ISREG(info.st_mode)
      || static_cast<std::size_t>(info.st_size) > largest_request + around)
    return unreadable(ticket);
  crypto::bytes sealed;
  read_all(call, file.get(), path, [&](crypto::byte_span data) {
    sealed.insert(sealed.end(), data.begin(), data.end());
  });
  auto text = crypto::open(seal, sealed);
  if (!text)
    return unreadable(ticket);
  auto result = decode_request(*text);
  if (result && result->ticket.task_id != ticket.task_id)
    return unreadable(ticket);
  return result;
}

void drop_request(volume_call& call, const fs::path& home,
                  const script_ticket& ticket) {
  auto path = file_of(home, ticket);
  call.attempt(
    "remove", path, [&] { return ::unlink(path.c_str()); },
    [](int code) { return code == ENOENT || code == ENOTDIR; });
}

std::vector<kept_request> list_requests(volume_call& call, const fs::path& home,
                                        const crypto::log_key& seal) {
  std::vector<kept_request> result;
  auto folder = make_folder(call, queue_directory(home), private_mode);
  for (auto& name : names_in(call, folder.get(), queue_directory(home))) {
    // (others are files on their way to their place)
    if (!name.ends_with(suffix))
      continue;
    script_ticket ticket{name.substr(0, name.size() - suffix.size())};
    if (!ticket.valid())
      continue;
    auto found = read_request(call, home, ticket, seal);
    if (found)
      result.push_back(std::move(*found));
    else if (found.error().code != errc::not_found)
      result.push_back({ticket, {}, nullptr, std::move(found.error())});
  }
  std::stable_sort(result.begin(), result.end(),
                   [](auto& x, auto& y) { return x.since < y.since; });
  return result;
}

} // namespace cuttle::workspace
