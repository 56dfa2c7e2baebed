#include "tests/chart/lookup.hpp"

#include <algorithm>

namespace cuttle::test {

namespace {

const json* member(const json* at, const std::string& key) {
  if (!at || !at->is_object())
    return nullptr;
  auto found = at->find(key);
  return found == at->end() ? nullptr : &*found;
}

const json* element(const json* at, const std::string& name) {
  if (!at || !at->is_array())
    return member(at, name);
  for (auto& x : *at)
    for (auto key : {"name", "mountPath"})
      if (auto* own = member(&x, key); own && *own == name)
        return &x;
  if (!name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return c >= '0' && c <= '9';
      }))
    if (auto index = std::stoul(name); index < at->size())
      return &(*at)[index];
  return nullptr;
}

const json* walk(const json* at, const std::string& path) {
  for (std::size_t i = 0; at && i < path.size();) {
    if (path[i] == '[') {
      auto end = path.find(']', i);
      at = element(at, path.substr(i + 1, end - i - 1));
      i = end == std::string::npos ? path.size() : end + 1;
    } else if (path[i] == '$') {
      at = element(member(at, "env"), path.substr(i + 1));
      return member(at, "value");
    } else if (path[i] == '.') {
      ++i;
    } else {
      auto end = std::min(path.find_first_of(".[", i), path.size());
      at = member(at, path.substr(i, end - i));
      i = end;
    }
  }
  return at;
}

// Whatever the values call it: the deployment whose pod is the worker.
const json* worker_pod(const rendering& chart) {
  for (auto& object : chart.objects)
    if (object["kind"] == "Deployment")
      if (auto* own = walk(&object, "metadata.labels[agent.octopus.com/"
                                    "component]");
          own && *own == "tentacle")
        return walk(&object, "spec.template");
  return nullptr;
}

const json* root(const rendering& chart, const std::string& name) {
  if (name == "pod")
    return worker_pod(chart);
  if (name == "run")
    return walk(worker_pod(chart), "spec.containers[0]");
  if (name == "register")
    return walk(worker_pod(chart), "spec.initContainers[register]");
  auto slash = name.find('/');
  if (slash == std::string::npos)
    return nullptr;
  return chart.find(name.substr(0, slash), name.substr(slash + 1));
}

} // namespace

const json* look_up(const rendering& chart, const std::string& location) {
  auto space = location.find(' ');
  auto* object = root(chart, location.substr(0, space));
  return space == std::string::npos ? object
                                    : walk(object, location.substr(space + 1));
}

} // namespace cuttle::test
