#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "infra/crypto/cipher.hpp"

namespace cuttle::load {

/// The way of a played runner's lines to the worker, beside the pod's log.
/// Belongs to the kubelet's thread, which no call holds up.
class played_link {
public:
  /// `wake` is not called any more.
  virtual ~played_link() = default;

  /// `wake` is called on another thread when `full` or `over` has changed.
  virtual void attend(std::function<void()> wake) = 0;

  /// Takes the frame of the next line, with its line feed.
  virtual void add(std::int64_t number, std::string_view frame) = 0;

  /// Whether the script has to wait, because nothing more can be kept.
  virtual bool full() const = 0;

  /// No line follows; with `soon` a signal asks for the end. May come twice.
  virtual void end(bool soon) = 0;

  /// After `end`: whether there is nothing left to wait for.
  virtual bool over() const = 0;
};

/// Dials the worker whose address is in the workspace, with the log key; null
/// where there is none.
using link_dialer = std::function<std::unique_ptr<played_link>(
  const std::string& workspace, const crypto::bytes& key)>;

} // namespace cuttle::load
