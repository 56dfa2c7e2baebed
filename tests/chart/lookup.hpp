#pragma once

#include <string>

#include "tests/chart/helm.hpp"

namespace cuttle::test {

/// Finds a place in what was rendered; null if there is none.
///
/// A location is an object and, after a space, a path into it. The object is
/// `Kind/name`, or `pod`, `run`, `register` for the worker's pod template, its
/// container and its init container. Steps of a path are keys with dots between
/// them; `[x]` is the key `x` of a map, however it is spelled, or the element
/// of a list that has the name or mount path `x`, or the index `x`; `$X` is the
/// value of the environment variable `X` of a container.
const json* look_up(const rendering& chart, const std::string& location);

} // namespace cuttle::test
