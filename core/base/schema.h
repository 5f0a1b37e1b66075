// JSON Schema (draft-07) made from what readers ask for.
#pragma once

#include <functional>
#include <string>

#include "core/base/json.h"

namespace eexit {

// One kind of object and how to read it.
struct SchemaSource {
  std::string name;                       // of its definition: "run"
  std::function<void(JsonReader&)> read;  // reads the whole object; may throw SpecError
  std::string start = "{}";               // a document that `read` accepts
  // Objects are laid over others before they are read: one without "name" may belong to any choice.
  bool partial = false;
};

// Definitions as one JSON object: the object under its name, what lies in it by place ("run.train.optimizer.sgd"),
// equal ones once. `read` is run over small documents that name each choice and each value of a closed list in turn, so
// that keys which only some of them ask for are found. It cannot find a key that two of them are needed for.
std::string schema_definitions(SchemaSource const&);

}  // namespace eexit
