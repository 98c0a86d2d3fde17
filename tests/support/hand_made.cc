#include "tests/support/hand_made.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/unknown_field_set.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/records.h"
#include "tandem/state.pb.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kUnknownField = 15000;
constexpr unsigned kSecondsACase = 60;
constexpr size_t kMostDeaths = 50;  // enough to know
constexpr rlim_t kAddressSpace = rlim_t{3} << 30;

const std::vector<int32_t> kEvil32 = {std::numeric_limits<int32_t>::min(), -7, 0, 1, 1000, 1 << 24,
                                      std::numeric_limits<int32_t>::max()};
const std::vector<int64_t> kEvil64 = {
    std::numeric_limits<int64_t>::min(), -5, 0, 1, 1000000, 4294967295, 999999999999999,
    std::numeric_limits<int64_t>::max()};
const std::vector<double> kEvilDoubles = {std::nan(""), -1, 0, 5e-324, 0.99999999, 1, 1e6, 1e30, 1e308};
const std::vector<std::string> kEvilStrings = {"", "\x1b[31m\n", std::string(5000, 'x'), "\xff\xfe"};

using Visit = std::function<void(const std::string&)>;

// Changes `field` of `message`, a part of `whole`, and calls visit after each change.
void ChangeScalar(const std::string& name, const FieldDescriptor* field, Message* message,
                  const Visit& visit) {
  const Reflection& reflection = *message->GetReflection();
  const std::unique_ptr<Message> before(message->New());
  before->CopyFrom(*message);
  const auto change = [&](const std::string& value, const auto& set, const auto& add, const auto& set_first) {
    if (!field->is_repeated()) {
      set();
      visit(absl::StrCat(name, " = ", value));
    } else {
      if (reflection.FieldSize(*message, field) > 0) {
        set_first();
        visit(absl::StrCat(name, "[0] = ", value));
        message->CopyFrom(*before);
      }
      add();
      visit(absl::StrCat(name, " += ", value));
    }
    message->CopyFrom(*before);
  };
  if (field->is_repeated() && reflection.FieldSize(*message, field) > 0) {
    reflection.ClearField(message, field);
    visit(absl::StrCat(name, " cleared"));
    message->CopyFrom(*before);
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      for (const int32_t v : kEvil32) {
        change(
            absl::StrCat(v), [&] { reflection.SetInt32(message, field, v); },
            [&] { reflection.AddInt32(message, field, v); },
            [&] { reflection.SetRepeatedInt32(message, field, 0, v); });
      }
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      for (const int64_t v : kEvil64) {
        change(
            absl::StrCat(v), [&] { reflection.SetInt64(message, field, v); },
            [&] { reflection.AddInt64(message, field, v); },
            [&] { reflection.SetRepeatedInt64(message, field, 0, v); });
      }
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      for (const uint64_t v : {uint64_t{0}, ~uint64_t{0}}) {
        change(
            absl::StrCat(v), [&] { reflection.SetUInt64(message, field, v); },
            [&] { reflection.AddUInt64(message, field, v); },
            [&] { reflection.SetRepeatedUInt64(message, field, 0, v); });
      }
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      for (const double v : kEvilDoubles) {
        change(
            absl::StrCat(v), [&] { reflection.SetDouble(message, field, v); },
            [&] { reflection.AddDouble(message, field, v); },
            [&] { reflection.SetRepeatedDouble(message, field, 0, v); });
      }
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      for (const bool v : {false, true})
        change(
            v ? "true" : "false", [&] { reflection.SetBool(message, field, v); }, [] {}, [] {});
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      for (int i = 0; i < field->enum_type()->value_count(); ++i) {
        const auto* v = field->enum_type()->value(i);
        change(
            v->name(), [&] { reflection.SetEnum(message, field, v); }, [] {}, [] {});
      }
      // Binary, a value that nobody knows is an unknown field.
      change(
          "?", [&] { reflection.MutableUnknownFields(message)->AddVarint(field->number(), 1000); }, [] {},
          [] {});
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      for (const std::string& v : kEvilStrings) {
        change(
            absl::StrCat("'", v.substr(0, 8), "'"), [&] { reflection.SetString(message, field, v); },
            [&] { reflection.AddString(message, field, v); },
            [&] { reflection.SetRepeatedString(message, field, 0, v); });
      }
      break;
    default:
      LOG(FATAL) << field->full_name() << ": of a type that no evil is known of";
  }
}

void ChangeFields(const std::string& name, Message* message, const Visit& visit) {
  const Reflection& reflection = *message->GetReflection();
  for (int f = 0; f < message->GetDescriptor()->field_count(); ++f) {
    const FieldDescriptor* field = message->GetDescriptor()->field(f);
    const std::string key = absl::StrCat(name, ".", field->name());
    if (field->message_type() == nullptr) {
      ChangeScalar(key, field, message, visit);
      continue;
    }
    const std::unique_ptr<Message> before(message->New());
    before->CopyFrom(*message);
    if (field->is_repeated()) {
      for (int i = 0; i < std::min(4, reflection.FieldSize(*message, field)); ++i) {
        ChangeFields(absl::StrCat(key, "[", i, "]"), reflection.MutableRepeatedMessage(message, field, i),
                     visit);
      }
      reflection.AddMessage(message, field);
      visit(key + " += {}");
      message->CopyFrom(*before);
      reflection.ClearField(message, field);
      visit(key + " cleared");
    } else {
      if (reflection.HasField(*message, field)) {
        reflection.ClearField(message, field);
        visit(key + " cleared");
        message->CopyFrom(*before);
      }
      ChangeFields(key, reflection.MutableMessage(message, field), visit);
    }
    message->CopyFrom(*before);
  }
  reflection.MutableUnknownFields(message)->AddVarint(kUnknownField, 1);
  visit(name + ".(unknown field)");
  reflection.MutableUnknownFields(message)->Clear();
}

// The message that a record begins a part of the file with; null for bytes of another kind.
std::unique_ptr<Message> MessageOf(const std::string& file, size_t record, const std::string& bytes) {
  std::unique_ptr<Message> message;
  if (absl::EndsWith(file, "embedding.bin")) {
    if (record == 0) {
      message = std::make_unique<proto::EmbeddingHeader>();
    } else {
      message = std::make_unique<proto::TableHeader>();
    }
  } else if (file == "replay.bin" && record == 0) {
    message = std::make_unique<proto::ReplayHeader>();
  } else if (file == "graph.bin" && record == 0) {
    message = std::make_unique<proto::BundleHeader>();
  } else if (file == "stream.bin") {
    if (record == 0) {
      message = std::make_unique<proto::OnlineState>();
    } else {
      message = std::make_unique<proto::StreamRows>();
    }
  } else if ((file == "graph.bin" && record == 2) ||
             (record == 0 && (file == "teacher.bin" || file == "student.bin" || file == "adapters.bin"))) {
    message = std::make_unique<proto::ParametersHeader>();
  }
  if (message == nullptr || !message->ParseFromString(bytes) ||
      !message->GetReflection()->GetUnknownFields(*message).empty())
    return nullptr;
  // Rows that happen to parse are no header.
  const auto* table = dynamic_cast<const proto::TableHeader*>(message.get());
  if (table != nullptr && (table->name().empty() || table->dim() == 0)) return nullptr;
  return message;
}

std::unique_ptr<Message> TextOf(const std::string& file, size_t record) {
  if (file == "experiment.pbtxt" || (file == "graph.bin" && record == 1))
    return std::make_unique<proto::Experiment>();
  if (file == "state.pbtxt") return std::make_unique<proto::RunState>();
  return nullptr;
}

// Records as a whole, whatever is in them.
std::vector<std::pair<std::string, std::string>> EvilBytes(const std::string& good) {
  std::string increasing = good, ones = good;
  for (size_t i = 0; i < good.size(); ++i) increasing[i] = static_cast<char>(i);
  std::fill(ones.begin(), ones.end(), '\xff');
  return {{"empty", ""},
          {"half", good.substr(0, good.size() / 2)},
          {"twice", good + good},
          {"a byte more", good + "x"},
          {"zeros", std::string(good.size(), '\0')},
          {"ones", ones},
          {"0, 1, 2, ...", increasing}};
}

}  // namespace

HandMadeFiles HandMade::files() const {
  HandMadeFiles files = *good;
  if (!file.empty()) files[file].content[record] = bytes;
  return files;
}

HandMadeFiles ReadModelFiles(const std::string& directory) {
  FileSystem& fs = FileSystem::Default();
  HandMadeFiles files;
  const std::vector<std::string> names = fs.List(directory).value();
  for (const std::string& name : names) {
    if (name == "MANIFEST") continue;
    HandMadeFile& file = files[name];
    const std::string bytes = fs.ReadFile(absl::StrCat(directory, "/", name)).value();
    file.records = absl::StartsWith(bytes, "TANDEMR");
    if (!file.records) {
      file.content.push_back(bytes);
      continue;
    }
    auto reader = RecordReader::Open(fs, absl::StrCat(directory, "/", name)).value();
    while (!reader->ExpectEnd().ok()) file.content.emplace_back(std::string(reader->Next().value()));
  }
  return files;
}

void WriteModelFiles(const HandMadeFiles& files, const std::string& directory, FileSystem& fs) {
  CHECK(fs.RemoveAll(directory).ok());
  const absl::Status written = WriteDirectory(fs, directory, [&](const std::string& aside) -> absl::Status {
    for (const auto& [name, file] : files) {
      const std::string path = absl::StrCat(aside, "/", name);
      if (file.records) {
        auto writer = RecordWriter::Create(fs, path).value();
        for (const std::string& record : file.content) CHECK(writer->Append(record).ok());
        CHECK(writer->Close().ok());
      } else {
        auto plain = fs.Create(path).value();
        CHECK(plain->Append(file.content[0]).ok() && plain->Close().ok());
      }
    }
    return absl::OkStatus();
  });
  CHECK(written.ok()) << written;
}

void ForEachEvilMessage(const Message& good,
                        const std::function<void(const std::string&, const Message&)>& visit) {
  const std::unique_ptr<Message> evil(good.New());
  evil->CopyFrom(good);
  ChangeFields(good.GetDescriptor()->name(), evil.get(),
               [&](const std::string& name) { visit(name, *evil); });
}

std::vector<HandMade> HandMadeModels(const HandMadeFiles& good) {
  const auto shared = std::make_shared<const HandMadeFiles>(good);
  std::vector<HandMade> made;
  for (const auto& [name, file] : good) {
    for (size_t r = 0; r < file.content.size(); ++r) {
      const std::string place = file.records ? absl::StrCat(name, "[", r, "] ") : name + " ";
      const auto add = [&, file_name = name](const std::string& what, const std::string& bytes) {
        made.push_back({place + what, shared, file_name, r, bytes});
      };
      std::unique_ptr<Message> text = TextOf(name, r);
      std::unique_ptr<Message> message = MessageOf(name, r, file.content[r]);
      if (text != nullptr) {
        CHECK(google::protobuf::TextFormat::ParseFromString(file.content[r], text.get()));
        ForEachEvilMessage(*text, [&](const std::string& what, const Message& evil) {
          std::string bytes;
          google::protobuf::TextFormat::PrintToString(evil, &bytes);
          add(what, bytes);
        });
      } else if (message != nullptr) {
        ForEachEvilMessage(*message, [&](const std::string& what, const Message& evil) {
          add(what, evil.SerializeAsString());
        });
      }
      for (const auto& [what, bytes] : EvilBytes(file.content[r])) add(what, bytes);
    }
  }
  return made;
}

std::vector<HandMade> RearrangedModels(const HandMadeFiles& good) {
  std::vector<HandMade> made;
  const auto add = [&](const std::string& what, const std::function<void(HandMadeFiles*)>& change) {
    auto files = std::make_shared<HandMadeFiles>(good);
    change(files.get());
    made.push_back({what, std::move(files), "", 0, ""});
  };
  for (const auto& named : good) {  // no structured bindings: C++17 lambdas don't capture them
    const std::string& name = named.first;
    const auto& file = named.second;
    add(name + " gone", [&](HandMadeFiles* files) { files->erase(name); });
    add(name + " empty", [&](HandMadeFiles* files) {
      (*files)[name].content.resize(file.records ? 0 : 1);
      if (!file.records) (*files)[name].content[0].clear();
    });
    for (const auto& other : good) {
      if (other.first != name)
        add(absl::StrCat(name, " is ", other.first),
            [&](HandMadeFiles* files) { (*files)[name] = other.second; });
    }
    for (size_t r = 0; file.records && r < file.content.size(); ++r) {
      const auto at = static_cast<std::ptrdiff_t>(r);
      const std::string place = absl::StrCat(name, "[", r, "] ");
      add(place + "gone", [&](HandMadeFiles* files) {
        auto& content = (*files)[name].content;
        content.erase(content.begin() + at);
      });
      add(place + "twice", [&](HandMadeFiles* files) {
        auto& content = (*files)[name].content;
        content.insert(content.begin() + at, file.content[r]);
      });
      if (r + 1 == file.content.size()) continue;
      add(place + "and the next, exchanged", [&](HandMadeFiles* files) {
        auto& content = (*files)[name].content;
        std::swap(content[r], content[r + 1]);
      });
      add(place + "in the place of the next",
          [&](HandMadeFiles* files) { (*files)[name].content[r + 1] = file.content[r]; });
    }
  }
  return made;
}

Outcomes TryEach(int cases, const std::function<std::string(int)>& name,
                 const std::function<absl::Status(int)>& run) {
  // What the processes of the cases share with this one: the case at hand, and what came of those before.
  struct Shared {
    int at, refused, taken;
    char thrown[200];
  };
  auto* const shared = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  CHECK(shared != MAP_FAILED);
  *shared = {};
  Outcomes outcomes;
  while (shared->at < cases) {
    if (outcomes.died.size() >= kMostDeaths) break;
    const pid_t child = fork();
    CHECK_GE(child, 0);
    if (child == 0) {
      // The messages of thousands of models are of no use.
      const int nothing = open("/dev/null", O_WRONLY);
      if (nothing >= 0) dup2(nothing, STDERR_FILENO);
      const rlimit limit{kAddressSpace, kAddressSpace};
      if (!kSanitized) CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
      const rlimit no_core{0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      try {
        for (; shared->at < cases; ++shared->at) {
          alarm(kSecondsACase);
          ++(run(shared->at).ok() ? shared->taken : shared->refused);
        }
      } catch (const std::exception& error) {
        std::strncpy(shared->thrown, error.what(), sizeof(shared->thrown) - 1);
        _exit(1);
      }
      _exit(0);
    }
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (shared->at >= cases) break;
    outcomes.died.push_back(absl::StrCat(name(shared->at), ": ",
                                         WIFSIGNALED(status) ? absl::StrCat("signal ", WTERMSIG(status))
                                                             : absl::StrCat("threw ", shared->thrown)));
    ++shared->at;
  }
  outcomes.tried = cases;
  outcomes.refused = shared->refused;
  outcomes.taken = shared->taken;
  munmap(shared, sizeof(Shared));
  return outcomes;
}

}  // namespace tandem
