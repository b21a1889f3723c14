#include "http/connection.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <utility>

#include "enrolment/identity.hpp"
#include "http/error_response.hpp"

namespace muster {
namespace {

constexpr int steps_per_turn = 64;
constexpr std::uint64_t transfer_part = 1u << 20;  // bytes
constexpr std::size_t stored_piece = 256u << 10;   // bytes, about a millisecond of hashing
constexpr std::chrono::milliseconds standstill{500};
constexpr std::chrono::seconds time_to_ask{2};
constexpr std::chrono::milliseconds time_to_be_told{1000};

std::chrono::milliseconds time_for(std::uint64_t bytes, std::uint64_t per_second) {
  return std::chrono::milliseconds(bytes * 1000 / per_second);
}

std::string identity_of(const Certificate& certificate) {
  std::string identity;
  for (const auto& part : certificate.organizations()) identity += part + "/";
  for (const auto& part : certificate.organizational_units()) identity += part + "/";
  return identity + certificate.common_name();
}

std::string_view kind_of(int status) {
  return status == 413 ? "too_large" : status == 405 ? "method_not_allowed" : "invalid";
}

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, Peer peer, Surroundings& around,
                       std::uint64_t id)
    : transport_(std::move(transport)), around_(around), id_(id) {
  request_.peer = std::move(peer);
  enter(Phase::handshake, around.settings.deadlines.handshake);
}

void Connection::enter(Phase phase, std::chrono::milliseconds time) {
  phase_ = phase;
  deadline_ = Clock::now() + time;
}

// Each part has its deadline, so that whoever takes nothing of a large file is gone after the time
// for its first part, and not of all of it.
void Connection::enter_transfer(Phase phase, std::uint64_t bytes) {
  const Deadlines& deadlines = around_.settings.deadlines;
  const bool is_body = phase == Phase::body;
  transfer_left_ = bytes;
  part_left_ = part_size_ = std::min(bytes, transfer_part);
  part_began_ = moved_ = Clock::now();
  enter(phase,
        (is_body ? deadlines.body : deadlines.write) +
            time_for(part_left_, is_body ? deadlines.slowest_body : deadlines.slowest_write));
}

void Connection::note_transfer(std::uint64_t bytes) {
  moved_ = Clock::now();
  transfer_left_ -= std::min(bytes, transfer_left_);
  part_left_ -= std::min(bytes, part_left_);
  if (part_left_ == 0 && transfer_left_ > 0) enter_transfer(phase_, transfer_left_);
}

bool Connection::may_give_way(Clock::time_point now) const {
  switch (phase_) {
    case Phase::handshake:
    case Phase::head:
    case Phase::drain:
      return true;
    case Phase::body:
    case Phase::write:
      return now - moved_ >= standstill || is_behind(now);
    case Phase::store:
    case Phase::answer:
      return false;
  }
  return false;
}

// A byte now and then is no progress.
bool Connection::is_behind(Clock::time_point now) const {
  if (now - part_began_ < standstill) return false;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - part_began_);
  const Deadlines& deadlines = around_.settings.deadlines;
  const std::uint64_t rate =
      phase_ == Phase::body ? deadlines.slowest_body : deadlines.slowest_write;
  return (part_size_ - part_left_) * 1000 < rate * static_cast<std::uint64_t>(took.count());
}

bool Connection::is_silent(Clock::time_point now) const {
  return requests_ == 0 && !waits_since_ && (phase_ == Phase::handshake || phase_ == Phase::head) &&
         now - opened_ >= time_to_ask;
}

// What is announced counts: it is what may come. People's calls are few, and theirs are known.
bool Connection::reserve_body() {
  constexpr std::int64_t always = 16 << 10;  // bytes: reports and proofs mostly are smaller
  if (is_for_people_ || request_.sink) return true;
  const auto size = static_cast<std::int64_t>(body_left_);
  const std::int64_t before = around_.counters.body_bytes.fetch_add(size);
  reserved_ = size;
  if (size <= always || before + size <= around_.settings.body_memory) return true;
  release_body();
  return false;
}

void Connection::release_body() {
  around_.counters.body_bytes -= reserved_;
  reserved_ = 0;
}

Connection::Want Connection::advance() {
  for (int i = 0; i < steps_per_turn; ++i) {
    if (const Step want = step()) return *want;
  }
  return Want::again;
}

Connection::Want Connection::await_turn() {
  waits_since_ = Clock::now();
  deadline_ += around_.settings.deadlines.answer;
  return Want::turn;
}

Connection::Want Connection::take_turn() {
  if (waits_since_) {
    const auto waited = Clock::now() - *waits_since_;
    opened_ += waited;
    deadline_ += waited - around_.settings.deadlines.answer;
    waits_since_.reset();
  }
  const Step want = step();
  return want ? *want : Want::again;
}

void Connection::refuse_requests() {
  is_refused_ = true;
  ++around_.counters.identity_full;
  enter(phase_, std::min(around_.settings.deadlines.head, time_to_be_told));
}

Connection::Want Connection::deliver(WireAnswer answer) {
  body_left_ -= std::exchange(piece_, 0);
  if (answer.status == going_on) {
    enter_transfer(Phase::body, body_left_);
  } else {
    start_writing(std::move(answer));
  }
  return advance();
}

Connection::Step Connection::step() {
  switch (phase_) {
    case Phase::handshake:
      return shake_hands();
    case Phase::head:
      return read_head();
    case Phase::body:
      return read_body();
    case Phase::store:
    case Phase::answer:
      return Want::worker;
    case Phase::write:
      return write_out();
    case Phase::drain:
      return drain();
  }
  return Want::close;
}

Connection::Step Connection::shake_hands() {
  const Io io = transport_->handshake();
  switch (io.state) {
    case Io::State::wait_readable:
      return Want::read;
    case Io::State::wait_writable:
      return Want::write;
    case Io::State::done:
      break;
    case Io::State::closed:
    case Io::State::failed:
      ++around_.counters.handshake_failed;
      spdlog::debug("{}: {}: TLS handshake failed: {}", name(request_.peer.listener),
                    request_.peer.address, transport_->failure());
      return Want::close;
  }
  request_.peer.certificate = transport_->peer_certificate();
  if (request_.peer.certificate) {
    request_.peer.certificate_id = request_.peer.certificate->fingerprint();
    identity_ = identity_of(*request_.peer.certificate);
    is_of_person_ = identity_.starts_with(operator_organization);
  }
  enter(Phase::head, around_.settings.deadlines.head);
  return {};
}

Connection::Step Connection::read_more() {
  std::array<char, 16384> chunk;
  const Io io = transport_->read(chunk.data(), chunk.size());
  switch (io.state) {
    case Io::State::wait_readable:
      return Want::read;
    case Io::State::wait_writable:
      return Want::write;
    case Io::State::closed:
    case Io::State::failed:
      return Want::close;
    case Io::State::done:
      break;
  }
  if (is_idle()) enter(Phase::head, around_.settings.deadlines.head);
  input_.append(chunk.data(), io.count);
  return {};
}

Connection::Step Connection::read_head() {
  if (input_.empty()) return read_more();
  const auto length = find_head(input_, around_.settings.head);
  if (length && *length == 0) return read_more();
  began_ = Clock::now();
  request_.id = make_request_id();
  ++requests_;
  ++around_.counters.requests;
  if (!length) {
    pass(error_response(length.error().status, kind_of(length.error().status),
                        length.error().message, request_.id));
    return {};
  }
  const std::string head = input_.substr(0, *length);
  input_.erase(0, *length);
  begin_request(head);
  return {};
}

void Connection::begin_request(std::string_view head) {
  head_ = {};
  auto parsed = parse_head(head, around_.settings.head);
  if (!parsed) {
    const auto& [status, message] = parsed.error();
    return pass(error_response(status, kind_of(status), message, request_.id));
  }
  head_ = std::move(*parsed);
  // Known before anything is refused: a body that is still on its way is drained behind the answer.
  body_left_ = head_.content_length;
  if (is_refused_) return pass(one_too_many());
  Admission admission = around_.service.admit(head_, request_.peer, request_.id);
  request_.route = admission.route;
  if (admission.refusal) return pass(*admission.refusal);
  if (head_.content_length > admission.body_limit) {
    return pass(error_response(
        413, "too_large",
        fmt::format("{} {}: expected a body of at most {} bytes, found {}", head_.method,
                    head_.path, admission.body_limit, head_.content_length),
        request_.id));
  }
  request_.parameters = std::move(admission.parameters);
  blocking_ = admission.blocking;
  is_for_people_ = admission.is_for_people;
  is_large_ = admission.is_large;
  share_ = std::move(admission.share);
  request_.sink = std::move(admission.sink);
  if (!reserve_body()) {
    ++around_.counters.overloaded;
    return pass(
        error_response({ErrorKind::unavailable,
                        "the server holds as much of others' requests as it may; try again later"},
                       request_.id));
  }
  enter_transfer(Phase::body, body_left_);
  if (!head_.expects_continue || body_left_ <= input_.size()) return;
  answer_ = {};
  answer_.bytes = "HTTP/1.1 100 Continue\r\n\r\n";
  interim_ = true;
  written_ = 0;
  phase_ = Phase::write;  // under the body's deadline
}

Connection::Step Connection::read_body() {
  if (body_left_ == 0) {
    dispatch();
    return {};
  }
  const std::size_t least = request_.sink ? stored_piece : 1;
  if (input_.size() < std::min<std::uint64_t>(body_left_, least)) return read_more();
  take_body(std::min<std::uint64_t>(body_left_, input_.size()));
  return {};
}

Response Connection::one_too_many() const {
  const ListenerSettings& settings = around_.settings;
  return error_response(
      {ErrorKind::unavailable,
       fmt::format(
           "'{}' has as many requests in progress as one certificate's name may: a machine {}, an operator {} of each of the server's {} threads; wait for one of them",
           request_.peer.certificate->common_name(), settings.connections_per_machine,
           settings.connections_per_operator, settings.event_threads)},
      request_.id);
}

void Connection::dispatch() {
  const bool keep_alive =
      head_.keep_alive && !around_.stopping && requests_ < around_.settings.requests_per_connection;
  auto query = parse_query(head_.query);
  if (!query) return pass(error_response(query.error(), request_.id));
  request_.query = std::move(*query);
  request_.headers = std::move(head_.headers);
  request_.method = head_.method;
  request_.path = head_.path;
  Request request = std::move(request_);
  // Who is there and what it was about stay with the connection, the rest goes with the request.
  request_ = {};
  request_.peer = request.peer;
  request_.id = request.id;
  request_.route = request.route;
  const auto idle_time =
      std::chrono::duration_cast<std::chrono::seconds>(around_.settings.deadlines.idle);
  const Answer ask = [service = &around_.service](const Request& r) { return service->answer(r); };
  if (!blocking_) {
    return start_writing(run(request, keep_alive, idle_time, ask));
  }
  enter(Phase::answer, around_.settings.deadlines.answer);
  submit(
      std::move(share_), is_large_,
      [ask, keep_alive, idle_time, shared = std::make_shared<const Request>(std::move(request))] {
        return run(*shared, keep_alive, idle_time, ask);
      });
}

void Connection::submit(WorkShare share, bool is_large, std::function<WireAnswer()> run) {
  Work work;
  work.is_large = is_large;
  work.share = std::move(share);
  work.run = [&completed = around_.completed, id = id_, run = std::move(run)] {
    completed(id, run());
  };
  work.give_way = [&around = around_, id = id_, request_id = request_.id, method = head_.method] {
    ++around.counters.overloaded;
    around.completed(
        id, write_refusal(
                error_response({ErrorKind::unavailable,
                                "the server has more requests than it can serve; try again later"},
                               request_id),
                method));
  };
  (is_for_people_ ? around_.operators_pool : around_.pool).submit(std::move(work));
}

void Connection::pass(const Response& response) {
  start_writing(write_refusal(response, head_.method));
}

void Connection::start_writing(WireAnswer answer) {
  release_body();
  answer_ = std::move(answer);
  written_ = 0;
  interim_ = false;
  const std::size_t shared = answer_.shared ? answer_.shared->size() : 0;
  enter_transfer(Phase::write, answer_.bytes.size() + shared + answer_.length);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_);
  around_.service.note(head_.method, head_.path, request_.route, request_.peer, answer_.status,
                       request_.id, took);
}

}  // namespace muster
