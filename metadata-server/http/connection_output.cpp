// The half of a connection that writes: answers, files, and the last moments; and bodies on their
// way to a file.
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cerrno>

#include "http/connection.hpp"
#include "http/error_response.hpp"

namespace muster {
namespace {

constexpr std::size_t file_step = 256u << 10;
// A client that still sends when it is refused must be read for a moment, or the kernel answers its
// bytes with a reset that destroys our answer on its way.
constexpr std::size_t drain_limit = 1u << 20;
constexpr std::chrono::milliseconds drain_time{1000};

}  // namespace

void Connection::take_body(std::size_t count) {
  if (request_.sink) return store_piece(count);
  request_.body.append(input_, 0, count);
  input_.erase(0, count);
  body_left_ -= count;
  note_transfer(count);
}

// Hashing and the disk take their time: the next piece is read when this one is written, so that
// one upload holds two pieces and whoever sends waits.
void Connection::store_piece(std::size_t count) {
  std::string piece = input_.substr(0, count);
  input_.erase(0, count);
  piece_ = count;
  enter(Phase::store, around_.settings.deadlines.answer);
  submit(share_, false,
         [sink = request_.sink, piece = std::move(piece), request_id = request_.id,
          method = head_.method] {
           const auto taken = sink->write(piece);
           WireAnswer answer;
           answer.status = going_on;
           // Only an operator's body goes to a sink (routes.cpp): a full disk is for operators to
           // cure.
           if (!taken)
             answer =
                 write_refusal(error_response(taken.error(), request_id, Reason::told), method);
           return answer;
         });
}

std::string_view Connection::unwritten() const {
  const std::size_t own = answer_.bytes.size();
  if (written_ < own || !answer_.shared) return std::string_view(answer_.bytes).substr(written_);
  return std::string_view(*answer_.shared).substr(written_ - own);
}

Connection::Step Connection::write_out() {
  Io io;
  if (const std::string_view bytes = unwritten(); !bytes.empty()) {
    io = transport_->write(bytes);
    if (io.state == Io::State::done) {
      written_ += io.count;
      if (!interim_) note_transfer(io.count);
      return {};
    }
  } else if (answer_.file && answer_.length > 0) {
    const std::size_t count = std::min<std::size_t>(answer_.length, file_step);
    io = transport_->send_file(answer_.file->get(), answer_.offset, count);
    if (io.state == Io::State::done) {
      answer_.offset += io.count;
      answer_.length -= io.count;
      note_transfer(io.count);
      return {};
    }
  } else {
    return after_write();
  }
  switch (io.state) {
    case Io::State::wait_readable:
      return Want::read;
    case Io::State::wait_writable:
      return Want::write;
    default:
      return Want::close;
  }
}

Connection::Step Connection::after_write() {
  if (interim_) {
    interim_ = false;
    phase_ = Phase::body;
    return {};
  }
  const bool keep_alive = answer_.keep_alive && !around_.stopping;
  // An idle connection keeps no buffers.
  answer_ = {};
  head_ = {};
  if (!keep_alive) {
    if (body_left_ == 0 && input_.empty()) {
      transport_->finish();
      return Want::close;
    }
    finish_and_drain();
    return {};
  }
  const Deadlines& deadlines = around_.settings.deadlines;
  if (input_.empty()) std::string().swap(input_);
  enter(Phase::head, input_.empty() ? deadlines.idle : deadlines.head);
  // Most clients read an answer before they ask again: trying to read now would find nothing.
  if (input_.empty() && !transport_->has_pending()) return Want::read;
  return {};
}

void Connection::drop_unsent() const {
  if (phase_ != Phase::write) return;
  const struct linger at_once = {1, 0};
  setsockopt(socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Connection::finish_and_drain() {
  transport_->finish();
  enter(Phase::drain, drain_time);
}

Connection::Step Connection::drain() {
  const Io io = transport_->discard();
  if (io.state == Io::State::wait_readable) return Want::read;
  if (io.state != Io::State::done) return Want::close;
  drained_ += io.count;
  if (drained_ > drain_limit) return Want::close;
  return {};
}

}  // namespace muster
