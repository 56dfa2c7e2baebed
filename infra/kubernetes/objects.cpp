#include "infra/kubernetes/objects.hpp"

#include <algorithm>
#include <limits>
#include <simdjson.h>

#include "infra/kubernetes/digest.hpp"
#include "infra/kubernetes/rfc3339.hpp"
#include "infra/kubernetes/text.hpp"

namespace cuttle::kubernetes {

namespace dom = simdjson::dom;

namespace {

using value = std::optional<dom::element>;

value member(const value& object, std::string_view key) {
  dom::element result;
  if (!object || (*object)[key].get(result) != simdjson::SUCCESS)
    return {};
  return result;
}

std::string text_of(const value& element) {
  std::string_view result;
  if (!element || element->get(result) != simdjson::SUCCESS)
    return {};
  return std::string{result};
}

std::string text(const value& object, std::string_view key) {
  return text_of(member(object, key));
}

std::optional<std::int64_t> number(const value& object, std::string_view key) {
  auto element = member(object, key);
  std::int64_t result = 0;
  if (!element || element->get(result) != simdjson::SUCCESS)
    return {};
  return result;
}

std::int32_t small_number(const value& object, std::string_view key,
                          std::int32_t fallback) {
  using limits = std::numeric_limits<std::int32_t>;
  auto result = number(object, key).value_or(fallback);
  return static_cast<std::int32_t>(
    std::clamp<std::int64_t>(result, limits::min(), limits::max()));
}

std::optional<timestamp> time(const value& object, std::string_view key) {
  return parse_time(text(object, key));
}

bool is_object(const value& element) {
  return element && element->is_object();
}

/// Calls `f` with each element of an array; other types have none.
template <class F>
void each(const value& array, F f) {
  dom::array elements;
  if (array && array->get(elements) == simdjson::SUCCESS)
    for (auto element : elements)
      f(value{element});
}

std::map<std::string, std::string> text_map(const value& object) {
  std::map<std::string, std::string> result;
  dom::object fields;
  if (!object || object->get(fields) != simdjson::SUCCESS)
    return result;
  for (auto field : fields) {
    std::string_view content;
    if (field.value.get(content) == simdjson::SUCCESS)
      result.emplace(field.key, content);
  }
  return result;
}

std::vector<container_status> container_statuses(const value& array) {
  using kind = container_status::kind;
  static constexpr std::pair<std::string_view, kind> states[]
    = {{"terminated", kind::terminated},
       {"running", kind::running},
       {"waiting", kind::waiting}};
  std::vector<container_status> result;
  each(array, [&](const value& element) {
    container_status status;
    status.name = text(element, "name");
    for (auto& [key, state] : states) {
      auto details = member(member(element, "state"), key);
      if (!is_object(details))
        continue;
      status.state = state;
      status.reason = text(details, "reason");
      status.message = text(details, "message");
      status.exit_code = small_number(details, "exitCode", 0);
      status.started_at = time(details, "startedAt");
      status.finished_at = time(details, "finishedAt");
      break;
    }
    result.push_back(std::move(status));
  });
  return result;
}

/// Image of the container named like the pod, as the specification has it:
/// what admission made of it, and also before a kubelet has seen the pod.
std::string script_image(const value& spec, const std::string& name) {
  std::string result;
  each(member(spec, "containers"), [&](const value& container) {
    if (text(container, "name") == name)
      result = text(container, "image");
  });
  return result;
}

/// Fills `result`; false when the object cannot be used.
bool read(const value& object, pod_snapshot& result) {
  auto metadata = member(object, "metadata");
  result.name = text(metadata, "name");
  if (result.name.empty())
    return false;
  result.uid = text(metadata, "uid");
  result.resource_version = text(metadata, "resourceVersion");
  auto labels = member(metadata, "labels");
  result.ticket.task_id = text(labels, "octopus.com/scriptTicketId");
  result.task_id = text(labels, "octopus.com/serverTaskId");
  result.created_at = time(metadata, "creationTimestamp");
  result.deleting = !text(metadata, "deletionTimestamp").empty();
  auto spec = member(object, "spec");
  result.node = text(spec, "nodeName");
  result.image = script_image(spec, result.name);
  auto status = member(object, "status");
  result.phase = text(status, "phase");
  result.reason = text(status, "reason");
  result.message = text(status, "message");
  each(member(status, "conditions"), [&](const value& condition) {
    if (text(condition, "type") != "PodScheduled"
        || text(condition, "status") != "False")
      return;
    result.unschedulable_reason = text(condition, "reason");
    result.unschedulable_message = text(condition, "message");
  });
  result.init_containers
    = container_statuses(member(status, "initContainerStatuses"));
  result.containers = container_statuses(member(status, "containerStatuses"));
  return true;
}

/// An event without any time cannot be used [LOG-15].
bool read(const value& object, pod_event& result) {
  auto about = member(object, "involvedObject");
  result.pod_name = text(about, "name");
  result.uid = text(member(object, "metadata"), "uid");
  if (result.pod_name.empty() || result.uid.empty())
    return false;
  result.field_path = text(about, "fieldPath");
  result.type = text(object, "type");
  result.reason = text(object, "reason");
  result.message = text(object, "message");
  result.count = small_number(object, "count", 0);
  if (result.count < 1)
    result.count = small_number(member(object, "series"), "count", 1);
  result.count = std::max(result.count, 1);
  std::optional<timestamp> latest;
  for (auto key : {"eventTime", "lastTimestamp", "firstTimestamp"})
    if (auto when = time(object, key); when && (!latest || *when > *latest))
      latest = when;
  if (!latest)
    return false;
  result.occurred = *latest;
  return true;
}

api_status read_status(const value& object) {
  api_status result;
  result.code = small_number(object, "code", 0);
  result.reason = text(object, "reason");
  result.message = text(object, "message");
  auto details = member(object, "details");
  if (auto wait = number(details, "retryAfterSeconds"); wait && *wait > 0)
    result.retry_after
      = std::chrono::seconds{std::min<std::int64_t>(*wait, 3600)};
  return result;
}

template <class T>
outcome<object_page<T>> read_page(const outcome<dom::element>& root) {
  if (!root)
    return tl::unexpected{root.error()};
  object_page<T> result;
  auto metadata = member(*root, "metadata");
  auto items = member(*root, "items");
  result.resource_version = text(metadata, "resourceVersion");
  // Go writes an empty list of items as null.
  auto usable = items && (items->is_array() || items->is_null());
  if (!usable || result.resource_version.empty())
    return fail(errc::protocol_error,
                "The API server answered with something that is no list.");
  result.next = text(metadata, "continue");
  each(items, [&](const value& item) {
    T object;
    if (read(item, object))
      result.items.push_back(std::move(object));
    else
      ++result.skipped;
  });
  return result;
}

template <class T>
outcome<watch_item<T>> read_change(const outcome<dom::element>& root) {
  using kind = typename watch_item<T>::kind;
  if (!root)
    return tl::unexpected{root.error()};
  watch_item<T> result;
  auto type = text(*root, "type");
  auto object = member(*root, "object");
  if (!is_object(object))
    return fail(errc::protocol_error,
                "The API server sent something that is no watch event.");
  result.resource_version = text(member(object, "metadata"), "resourceVersion");
  if (type == "BOOKMARK") {
    result.type = kind::bookmark;
  } else if (type == "ERROR") {
    result.type = kind::error;
    result.status = read_status(object);
  } else if (type == "ADDED" || type == "MODIFIED" || type == "DELETED") {
    if (read(object, result.object))
      result.type = type == "ADDED"      ? kind::added
                    : type == "MODIFIED" ? kind::modified
                                         : kind::deleted;
  }
  return result;
}

} // namespace

struct object_reader::impl {
  dom::parser small;
  std::unique_ptr<dom::parser> large;

  /// Valid until the next call.
  outcome<dom::element> parse(std::string_view text) {
    // Memory follows the largest text ever seen, so a large one gets a parser
    // of its own.
    constexpr size_t kept_bytes = 256 * 1024;
    large.reset();
    if (text.empty())
      return fail(errc::protocol_error, "The API server sent no text.");
    if (text.size() > kept_bytes)
      large = std::make_unique<dom::parser>();
    auto& parser = large ? *large : small;
    dom::element result;
    auto error = parser.parse(text.data(), text.size()).get(result);
    if (error != simdjson::SUCCESS)
      return fail(errc::protocol_error,
                  "The API server sent text that is no JSON: "
                    + std::string{simdjson::error_message(error)});
    if (!result.is_object())
      return fail(errc::protocol_error,
                  "The API server sent JSON that is no object.");
    return result;
  }
};

object_reader::object_reader() : impl_(std::make_unique<impl>()) {}

object_reader::~object_reader() = default;

outcome<pod_snapshot> object_reader::pod(std::string_view body) {
  auto root = impl_->parse(body);
  if (!root)
    return tl::unexpected{root.error()};
  pod_snapshot result;
  if (!read(*root, result))
    return fail(errc::protocol_error,
                "The API server answered with a pod that has no name.");
  return result;
}

outcome<object_page<pod_snapshot>> object_reader::pods(std::string_view body) {
  return read_page<pod_snapshot>(impl_->parse(body));
}

outcome<watch_item<pod_snapshot>>
object_reader::pod_change(std::string_view body) {
  return read_change<pod_snapshot>(impl_->parse(body));
}

outcome<object_page<pod_event>> object_reader::events(std::string_view body) {
  return read_page<pod_event>(impl_->parse(body));
}

outcome<watch_item<pod_event>>
object_reader::event_change(std::string_view body) {
  return read_change<pod_event>(impl_->parse(body));
}

outcome<stored_map> object_reader::config_map(std::string_view body) {
  auto root = impl_->parse(body);
  if (!root)
    return tl::unexpected{root.error()};
  stored_map result;
  auto metadata = member(*root, "metadata");
  result.name = text(metadata, "name");
  result.resource_version = text(metadata, "resourceVersion");
  result.uid = text(metadata, "uid");
  result.data = text_map(member(*root, "data"));
  if (result.name.empty())
    return fail(errc::protocol_error,
                "The API server answered with an object that has no name.");
  return result;
}

outcome<stored_map> object_reader::secret(std::string_view body) {
  auto result = config_map(body);
  if (!result)
    return result;
  for (auto& [key, content] : result->data) {
    auto bytes = base64_decoded(content);
    if (!bytes)
      return fail(errc::protocol_error, "The value '" + key + "' of secret '"
                                          + result->name + "' is not base64.");
    content = std::move(*bytes);
  }
  return result;
}

outcome<cluster_version> object_reader::version(std::string_view body) {
  auto root = impl_->parse(body);
  if (!root)
    return tl::unexpected{root.error()};
  auto digits = [&](std::string_view key) -> std::optional<int> {
    std::string kept;
    for (auto c : text(*root, key))
      if (c >= '0' && c <= '9')
        kept += c;
    if (kept.empty() || kept.size() > 6)
      return {};
    return std::stoi(kept);
  };
  auto major = digits("major");
  auto minor = digits("minor");
  if (!major || !minor)
    return fail(errc::protocol_error,
                "The API server's version has no major and minor number.");
  return cluster_version{*major, *minor, text(*root, "gitVersion")};
}

api_status object_reader::status(std::string_view body) {
  constexpr size_t longest = 500;
  auto root = impl_->parse(body);
  if (root && text(*root, "kind") == "Status")
    return read_status(*root);
  api_status result;
  result.message = one_line(body, longest);
  if (!simdjson::validate_utf8(result.message))
    result.message = "(not text)";
  return result;
}

std::string object_reader::name(std::string_view body) {
  auto root = impl_->parse(body);
  return root ? text(member(*root, "metadata"), "name") : std::string{};
}

std::map<std::string, std::string>
object_reader::labels(std::string_view body) {
  auto root = impl_->parse(body);
  if (!root)
    return {};
  return text_map(member(member(*root, "metadata"), "labels"));
}

} // namespace cuttle::kubernetes
