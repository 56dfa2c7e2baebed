#include "actors/file_transfer.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>
#include <utility>

#include "actors/failure.hpp"
#include "actors/mailbox.hpp"

namespace cuttle {

namespace {

class file_transfer {
public:
  static inline const char* name = "cuttle.file_transfer";

  file_transfer(file_transfer_actor::pointer self, context_ptr context)
    : self_(self), context_(std::move(context)) {
    install_handlers(self_);
  }

  file_transfer_actor::behavior_type make_behavior() {
    return {
      [this](const upload_file& x) { return upload(x); },
      [this](const download_file& x) { return download(x); },
      [this](std::uint64_t id, uploaded_file& file) {
        finish(uploads_, id, std::move(file));
      },
      [this](std::uint64_t id, downloaded_file& file) {
        finish(downloads_, id, std::move(file));
      },
      [this](const transfer_failed& x) {
        finish(uploads_, x.request, to_error(x.reason));
        finish(downloads_, x.request, to_error(x.reason));
      },
    };
  }

private:
  template <class T>
  using promises = std::map<std::uint64_t, caf::typed_response_promise<T>>;

  caf::result<uploaded_file> upload(const upload_file& x) {
    auto reply = self_->make_response_promise<uploaded_file>();
    uploads_.emplace(++last_, reply);
    context_->store.put(x, answer<uploaded_file>());
    return reply;
  }

  caf::result<downloaded_file> download(const download_file& x) {
    auto reply = self_->make_response_promise<downloaded_file>();
    downloads_.emplace(++last_, reply);
    context_->store.get(x, answer<downloaded_file>());
    return reply;
  }

  // Brings the result of the latest request back from the driver's thread.
  template <class T>
  std::function<void(outcome<T>)> answer() {
    return [id = last_, box = mailbox<file_transfer_actor>{
                          file_transfer_actor{self_}}](outcome<T> result) {
      if (result)
        box.post(id, std::move(*result));
      else
        box.post(transfer_failed{id, std::move(result.error())});
    };
  }

  template <class T, class Result>
  static void finish(promises<T>& open, std::uint64_t id, Result&& result) {
    if (auto i = open.find(id); i != open.end()) {
      i->second.deliver(std::forward<Result>(result));
      open.erase(i);
    }
  }

  file_transfer_actor::pointer self_;
  context_ptr context_;
  std::uint64_t last_ = 0;
  promises<uploaded_file> uploads_;
  promises<downloaded_file> downloads_;
};

} // namespace

file_transfer_actor spawn_file_transfer(caf::local_actor& parent,
                                        context_ptr context) {
  using impl = file_transfer_actor::stateful_impl<file_transfer>;
  return parent.spawn<impl, caf::linked>(std::move(context));
}

} // namespace cuttle
