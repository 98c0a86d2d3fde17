#include "tests/support/remote_rows.h"

#include <glog/logging.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tandem/status.h"

namespace tandem {
namespace {

enum class Op : uint8_t { kMake, kRead, kAdmit, kLearn, kState, kKeys, kExport, kImport, kRestore, kExpire };

// Times that a message is sent before its refusal is taken for an answer.
constexpr int kMostTries = 20;

// ---- messages: numbers and arrays one after another

class Out {
 public:
  template <typename T>
  Out& Put(const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  template <typename T>
  Out& Put(const std::vector<T>& values) {
    Put<uint64_t>(values.size());
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    return *this;
  }
  Out& PutText(absl::string_view text) {
    Put<uint64_t>(text.size());
    bytes.append(text.data(), text.size());
    return *this;
  }
  std::string bytes;
};

class In {
 public:
  explicit In(absl::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T Take() {
    T value;
    CHECK_GE(bytes_.size(), sizeof(value));
    std::memcpy(&value, bytes_.data(), sizeof(value));
    bytes_.remove_prefix(sizeof(value));
    return value;
  }
  template <typename T>
  void Take(std::vector<T>* values) {
    const auto size = Take<uint64_t>();
    CHECK_LE(size * sizeof(T), bytes_.size());
    values->resize(size);
    if (size > 0) std::memcpy(values->data(), bytes_.data(), size * sizeof(T));
    bytes_.remove_prefix(size * sizeof(T));
  }
  absl::string_view rest() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }

 private:
  absl::string_view bytes_;
};

bool SendAll(int socket, const std::string& message) {
  const uint64_t size = message.size();
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes += message;
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

bool ReceiveBytes(int socket, char* to, size_t size) {
  for (size_t got = 0; got < size;) {
    const ssize_t n = recv(socket, to + got, size - got, 0);
    if (n <= 0) return false;
    got += n;
  }
  return true;
}

bool Receive(int socket, std::string* message) {
  uint64_t size = 0;
  if (!ReceiveBytes(socket, reinterpret_cast<char*>(&size), sizeof(size))) return false;
  message->resize(size);
  return ReceiveBytes(socket, &(*message)[0], size);
}

void PutBlock(const RowBlock& block, Out* out) {
  out->Put(block.kind).Put(block.keys).Put(block.floats).Put(block.updates).Put(block.last_steps);
  out->Put(block.counts).Put(block.last_days);
}

RowBlock TakeBlock(In* in) {
  RowBlock block;
  block.kind = in->Take<RowBlock::Kind>();
  in->Take(&block.keys);
  in->Take(&block.floats);
  in->Take(&block.updates);
  in->Take(&block.last_steps);
  in->Take(&block.counts);
  in->Take(&block.last_days);
  return block;
}

void PutState(const StoreState& state, Out* out) {
  out->Put(state.tables).Put(state.bytes).Put(state.step).Put(state.decay_log);
}

StoreState TakeState(In* in) {
  StoreState state;
  in->Take(&state.tables);
  state.bytes = in->Take<int64_t>();
  state.step = in->Take<int64_t>();
  in->Take(&state.decay_log);
  return state;
}

// ---- the process

// What is asked for, as it came over the line.
class SentDemand final : public RowDemand {
 public:
  explicit SentDemand(std::vector<TableRows>* tables) : tables_(*tables) {}
  TableRows* Keys(int table) override { return &tables_[table]; }
  void Found(int /*table*/) override {}

 private:
  std::vector<TableRows>& tables_;
};

class SentGradients final : public RowGradients {
 public:
  struct Table {
    std::vector<uint32_t> places;
    std::vector<Kind> kinds;
    std::vector<float> gradients;
  };
  SentGradients(int width, std::vector<Table> tables) : width_(width), tables_(std::move(tables)) {}

  int64_t rows(int table) const override { return static_cast<int64_t>(tables_[table].places.size()); }
  Kind Get(int table, uint32_t place, float* gradient) const override {
    const Table& sent = tables_[table];
    const auto at = std::lower_bound(sent.places.begin(), sent.places.end(), place);
    if (at == sent.places.end() || *at != place) return Kind::kNone;
    const auto i = at - sent.places.begin();
    std::copy_n(sent.gradients.begin() + i * width_, width_, gradient);
    return sent.kinds[i];
  }

 private:
  const int width_;
  const std::vector<Table> tables_;
};

class Server {
 public:
  Server(int socket, const RowFaults& faults)
      : socket_(socket), faults_(faults), random_(faults.seed, RandomPurpose::kSynthetic, {77}) {}

  // Till nobody is at the other end.
  void Serve() {
    std::string message;
    while (Receive(socket_, &message)) {
      In in(message);
      const auto part = in.Take<uint32_t>();
      const auto parts = in.Take<uint32_t>();
      if (refuses_all_ || Chance(faults_.refused, part)) {
        if (!Answer(part, /*refused=*/true, absl::OkStatus(), "")) return;
        continue;
      }
      call_.resize(parts);
      call_[part].assign(in.rest().data(), in.rest().size());
      if (++received_ < parts) continue;
      received_ = 0;
      tried_.clear();
      if (!Execute()) return;
      call_.clear();
    }
  }

 private:
  struct Store {
    proto::Experiment experiment;
    std::unique_ptr<RowStore> rows;
    std::vector<TableRows> asked;  // of the last Admit
  };

  double Draw() { return random_.UniformDouble(draws_++); }
  // A message is refused once at most.
  bool Chance(double share, uint32_t part) { return share > 0 && tried_[part]++ == 0 && Draw() < share; }

  bool Answer(uint32_t part, bool refused, const absl::Status& status, const std::string& payload) {
    Out out;
    out.Put(part).Put<uint8_t>(refused).Put(static_cast<int>(status.code())).PutText(status.message());
    out.bytes += payload;
    return SendAll(socket_, out.bytes);
  }

  bool Execute() {
    std::vector<In> in;
    for (const std::string& part : call_) in.emplace_back(part);
    Op op = Op::kMake;
    int id = 0;
    for (In& part : in) {
      op = part.Take<Op>();
      id = part.Take<int>();
    }
    if (op == Op::kLearn && faults_.dies_at_learn > 0 && learned_ + 1 == faults_.dies_at_learn) _exit(1);
    std::vector<std::string> payloads(in.size());
    const absl::Status status = Do(op, &stores_[id], &in, &payloads);
    if (op == Op::kLearn)
      refuses_all_ = ++learned_ >= faults_.refuses_from_learn && faults_.refuses_from_learn > 0;
    std::vector<uint32_t> order(in.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    for (size_t i = order.size(); faults_.shuffles && i > 1; --i)
      std::swap(order[i - 1], order[static_cast<size_t>(Draw() * static_cast<double>(i))]);
    for (const uint32_t part : order) {
      if (faults_.delay_microseconds > 0) usleep(static_cast<int>(Draw() * faults_.delay_microseconds));
      if (!Answer(part, /*refused=*/false, status, payloads[part])) return false;
    }
    return true;
  }

  absl::Status Do(Op op, Store* store, std::vector<In>* in, std::vector<std::string>* payloads);
  absl::Status Read(Store* store, std::vector<In>* in, std::vector<std::string>* payloads);
  absl::Status Admit(Store* store, std::vector<In>* in, std::vector<std::string>* payloads);
  absl::Status Learn(Store* store, std::vector<In>* in);
  static std::string Rows(const RowShape& shape, const TableRows& table);

  const int socket_;
  const RowFaults faults_;
  const Random random_;
  uint64_t draws_ = 0;
  int learned_ = 0;
  bool refuses_all_ = false;
  std::map<int, Store> stores_;
  std::vector<std::string> call_;
  uint32_t received_ = 0;
  std::map<uint32_t, int> tried_;
  Workers workers_{1};
};

absl::Status Server::Do(Op op, Store* store, std::vector<In>* parts, std::vector<std::string>* payloads) {
  In& in = parts->front();
  Out out;
  switch (op) {
    case Op::kMake: {
      const bool trained = in.Take<bool>();
      CHECK(store->experiment.ParseFromArray(in.rest().data(), static_cast<int>(in.rest().size())));
      store->rows = MakeLocalRowStore(store->experiment, Schema(store->experiment), trained);
      return absl::OkStatus();
    }
    case Op::kRead:
      return Read(store, parts, payloads);
    case Op::kAdmit:
      return Admit(store, parts, payloads);
    case Op::kLearn:
      return Learn(store, parts);
    case Op::kState: {
      TANDEM_ASSIGN_OR_RETURN(const StoreState state, store->rows->State());
      PutState(state, &out);
      break;
    }
    case Op::kKeys: {
      const int table = in.Take<int>();
      TANDEM_ASSIGN_OR_RETURN(const std::vector<uint64_t> keys, store->rows->Keys(table, in.Take<int64_t>()));
      out.Put(keys);
      break;
    }
    case Op::kExport:
      TANDEM_RETURN_IF_ERROR(store->rows->Export(in.Take<int>(), [&](const RowBlock& block) {
        PutBlock(block, &out);
        return absl::OkStatus();
      }));
      break;
    case Op::kImport: {
      const int table = in.Take<int>();
      return store->rows->Import(table, TakeBlock(&in));
    }
    case Op::kExpire: {
      const auto day = in.Take<uint32_t>();
      TANDEM_ASSIGN_OR_RETURN(const int64_t dropped, store->rows->Expire(day, in.Take<int>()));
      out.Put(dropped);
      break;
    }
    case Op::kRestore:
      return store->rows->Restore(TakeState(&in));
  }
  payloads->front() = std::move(out.bytes);
  return absl::OkStatus();
}

// Weights, and the slow copy as it would be read, of each place that has a row.
std::string Server::Rows(const RowShape& shape, const TableRows& table) {
  Out out;
  std::vector<uint8_t> own(table.rows.size());
  std::vector<float> floats;
  for (size_t place = 0; place < table.rows.size(); ++place) {
    own[place] = place == 0 || table.has_row(static_cast<uint32_t>(place)) ? 1 : 0;
    if (own[place] == 0) continue;
    const float* row = table.rows[place];
    floats.insert(floats.end(), row, row + shape.width);
    if (shape.slow_at == 0) continue;
    const float* slow = row + shape.slow_at;
    const float left = table.slow_left.empty() ? 1 : table.slow_left[place];
    for (int d = 0; d < shape.dim; ++d)
      floats.push_back(left == 1 ? slow[d] : row[d] + left * (slow[d] - row[d]));
  }
  out.Put(own).Put(floats);
  return std::move(out.bytes);
}

absl::Status Server::Read(Store* store, std::vector<In>* in, std::vector<std::string>* payloads) {
  std::vector<TableRows> tables(in->size());
  for (size_t t = 0; t < in->size(); ++t) (*in)[t].Take(&tables[t].keys);
  TANDEM_RETURN_IF_ERROR(store->rows->Read(absl::MakeSpan(tables)));
  for (size_t t = 0; t < in->size(); ++t) (*payloads)[t] = Rows(store->rows->shape(), tables[t]);
  return absl::OkStatus();
}

absl::Status Server::Admit(Store* store, std::vector<In>* in, std::vector<std::string>* payloads) {
  AdmitStep step;
  store->asked.resize(in->size());
  for (size_t t = 0; t < in->size(); ++t) {
    step = (*in)[t].Take<AdmitStep>();
    TableRows& table = store->asked[t];
    (*in)[t].Take(&table.keys);
    (*in)[t].Take(&table.occurrences);
    (*in)[t].Take(&table.shown);
    table.hides = (*in)[t].Take<bool>();
  }
  SentDemand demand(&store->asked);
  TANDEM_RETURN_IF_ERROR(store->rows->Admit(step, &demand, &workers_));
  for (size_t t = 0; t < in->size(); ++t) {
    Out out;
    out.Put(store->asked[t].waiting).Put(store->asked[t].refused);
    (*payloads)[t] = out.bytes + Rows(store->rows->shape(), store->asked[t]);
  }
  return absl::OkStatus();
}

absl::Status Server::Learn(Store* store, std::vector<In>* in) {
  LearnStep step;
  std::vector<SentGradients::Table> tables(in->size());
  for (size_t t = 0; t < in->size(); ++t) {
    step = (*in)[t].Take<LearnStep>();
    (*in)[t].Take(&tables[t].places);
    (*in)[t].Take(&tables[t].kinds);
    (*in)[t].Take(&tables[t].gradients);
  }
  const SentGradients gradients(store->rows->shape().width, std::move(tables));
  return store->rows->Learn(step, store->asked, gradients, &workers_);
}

}  // namespace

// ---- this side

struct RowProcess::Line {
  int socket = -1;
  pid_t pid = 0;
  std::mutex mutex;  // one call at a time
  std::atomic<int> stores{0};
  std::atomic<int64_t> asked_again{0};

  absl::Status Gone() const {
    return absl::UnavailableError(absl::StrCat("the process ", pid,
                                               " that keeps the rows is gone; a resumed run puts the rows of "
                                               "its last checkpoint into another one"));
  }

  // A call: a message a part, and on(part, answer) as they come.
  absl::Status Call(Op op, int store, const std::vector<std::string>& parts,
                    absl::FunctionRef<void(uint32_t part, In* answer)> on) {
    std::lock_guard<std::mutex> lock(mutex);
    const auto send_part = [&](uint32_t part) {
      Out out;
      out.Put(part).Put(static_cast<uint32_t>(parts.size())).Put(op).Put(store);
      return SendAll(socket, out.bytes + parts[part]);
    };
    for (uint32_t part = 0; part < parts.size(); ++part) {
      if (!send_part(part)) return Gone();
    }
    std::vector<int> tries(parts.size(), 1);
    absl::Status status;
    std::string message;
    for (size_t answered = 0; answered < parts.size();) {
      if (!Receive(socket, &message)) return Gone();
      In in(message);
      const auto part = in.Take<uint32_t>();
      const bool refused = in.Take<uint8_t>() != 0;
      const auto code = static_cast<absl::StatusCode>(in.Take<int>());
      std::vector<char> text;
      in.Take(&text);
      if (refused) {
        if (++tries[part] > kMostTries) {
          return absl::UnavailableError(absl::StrCat("the process ", pid, " that keeps the rows refused ",
                                                     kMostTries, " times to answer; is it overloaded?"));
        }
        ++asked_again;
        if (!send_part(part)) return Gone();
        continue;
      }
      ++answered;
      if (code != absl::StatusCode::kOk)
        status = absl::Status(code, absl::string_view(text.data(), text.size()));
      if (status.ok()) on(part, &in);
    }
    return status;
  }
};

namespace {

class RemoteRowStore final : public RowStore {
 public:
  static absl::StatusOr<std::unique_ptr<RowStore>> Make(std::shared_ptr<RowProcess::Line> line,
                                                        const RowStoreRequest& request) {
    std::unique_ptr<RemoteRowStore> store(new RemoteRowStore(std::move(line), request));
    Out out;
    out.Put(request.trained);
    out.bytes += request.experiment.SerializeAsString();
    TANDEM_RETURN_IF_ERROR(store->Call(Op::kMake, {out.bytes}));
    return store;
  }

  const RowShape& shape() const override { return shape_; }

  absl::Status Read(absl::Span<TableRows> tables) const override {
    std::vector<std::string> parts;
    for (const TableRows& table : tables) parts.push_back(std::move(Out().Put(table.keys).bytes));
    return line_->Call(Op::kRead, id_, parts, [&](uint32_t t, In* in) { TakeRows(in, &tables[t]); });
  }

  absl::Status Admit(const AdmitStep& step, RowDemand* demand, Workers* workers) override {
    std::vector<std::string> parts(tables_);
    std::vector<TableRows*> asked(tables_);
    workers->ForEach(tables_, [&](int t, int /*worker*/) {
      asked[t] = demand->Keys(t);
      Out out;
      out.Put(step).Put(asked[t]->keys).Put(asked[t]->occurrences).Put(asked[t]->shown).Put(asked[t]->hides);
      parts[t] = std::move(out.bytes);
    });
    return line_->Call(Op::kAdmit, id_, parts, [&](uint32_t t, In* in) {
      in->Take(&asked[t]->waiting);
      asked[t]->refused = in->Take<int64_t>();
      TakeRows(in, asked[t]);
      demand->Found(static_cast<int>(t));
    });
  }

  absl::Status Learn(const LearnStep& step, absl::Span<const TableRows> tables, const RowGradients& gradients,
                     Workers* /*workers*/) override {
    std::vector<std::string> parts;
    std::vector<float> gradient(shape_.width);
    for (size_t t = 0; t < tables.size(); ++t) {
      std::vector<uint32_t> places;
      std::vector<RowGradients::Kind> kinds;
      std::vector<float> sent;
      for (uint32_t place = 0; place < tables[t].rows.size(); ++place) {
        const RowGradients::Kind kind = gradients.Get(static_cast<int>(t), place, gradient.data());
        if (kind == RowGradients::Kind::kNone) continue;
        places.push_back(place);
        kinds.push_back(kind);
        sent.insert(sent.end(), gradient.begin(), gradient.end());
      }
      CHECK_EQ(static_cast<int64_t>(places.size()), gradients.rows(static_cast<int>(t)));
      parts.push_back(std::move(Out().Put(step).Put(places).Put(kinds).Put(sent).bytes));
    }
    return Call(Op::kLearn, parts);
  }

  absl::StatusOr<int64_t> Expire(uint32_t day, int days) override {
    int64_t dropped = 0;
    TANDEM_RETURN_IF_ERROR(line_->Call(Op::kExpire, id_, {Out().Put(day).Put(days).bytes},
                                       [&](uint32_t /*part*/, In* in) { dropped = in->Take<int64_t>(); }));
    return dropped;
  }

  absl::StatusOr<StoreState> State() const override {
    StoreState state;
    TANDEM_RETURN_IF_ERROR(
        line_->Call(Op::kState, id_, {""}, [&](uint32_t /*part*/, In* in) { state = TakeState(in); }));
    return state;
  }

  absl::StatusOr<std::vector<uint64_t>> Keys(int table, int64_t most) const override {
    std::vector<uint64_t> keys;
    TANDEM_RETURN_IF_ERROR(line_->Call(Op::kKeys, id_, {Out().Put(table).Put(most).bytes},
                                       [&](uint32_t /*part*/, In* in) { in->Take(&keys); }));
    return keys;
  }

  absl::Status Export(int table, absl::FunctionRef<absl::Status(const RowBlock&)> take) const override {
    std::vector<RowBlock> blocks;
    TANDEM_RETURN_IF_ERROR(
        line_->Call(Op::kExport, id_, {Out().Put(table).bytes}, [&](uint32_t /*part*/, In* in) {
          while (!in->empty()) blocks.push_back(TakeBlock(in));
        }));
    for (const RowBlock& block : blocks) TANDEM_RETURN_IF_ERROR(take(block));
    return absl::OkStatus();
  }

  absl::Status Import(int table, const RowBlock& block) override {
    Out out;
    out.Put(table);
    PutBlock(block, &out);
    return Call(Op::kImport, {out.bytes});
  }

  absl::Status Restore(const StoreState& state) override {
    Out out;
    PutState(state, &out);
    return Call(Op::kRestore, {out.bytes});
  }

 private:
  RemoteRowStore(std::shared_ptr<RowProcess::Line> line, const RowStoreRequest& request)
      : line_(std::move(line)),
        id_(line_->stores++),
        tables_(static_cast<int>(request.schema.tables().size())),
        shape_(MakeLocalRowStore(request.experiment, request.schema, request.trained)->shape()) {
    // What comes over the line is weights and slow copy.
    if (shape_.slow_at > 0) shape_.slow_at = shape_.width;
  }

  absl::Status Call(Op op, const std::vector<std::string>& parts) const {
    return line_->Call(op, id_, parts, [](uint32_t /*part*/, In* /*in*/) {});
  }

  void TakeRows(In* in, TableRows* table) const {
    std::vector<uint8_t> own;
    in->Take(&own);
    in->Take(&table->memory);
    table->slow_left.clear();
    table->rows.resize(own.size());
    const int floats = shape_.width + (shape_.slow_at > 0 ? shape_.dim : 0);
    const float* row = table->memory.data();
    for (size_t place = 0; place < own.size(); ++place) {
      table->rows[place] = own[place] != 0 ? row : table->memory.data();
      row += own[place] != 0 ? floats : 0;
    }
  }

  const std::shared_ptr<RowProcess::Line> line_;
  const int id_;
  const int tables_;
  RowShape shape_;
};

}  // namespace

RowProcess::RowProcess(const RowFaults& faults) : line_(std::make_shared<Line>()) {
  int sockets[2];
  PCHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
  pid_ = fork();
  PCHECK(pid_ >= 0);
  if (pid_ == 0) {
    close(sockets[0]);
    Server(sockets[1], faults).Serve();
    _exit(0);
  }
  close(sockets[1]);
  line_->socket = sockets[0];
  line_->pid = pid_;
}

RowProcess::~RowProcess() {
  close(line_->socket);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

int64_t RowProcess::asked_again() const { return line_->asked_again; }

RowStoreFactory RowProcess::stores() {
  return [line = line_](const RowStoreRequest& request) { return RemoteRowStore::Make(line, request); };
}

}  // namespace tandem
