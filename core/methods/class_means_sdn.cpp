// Class means joined to shallow-deep heads (Gormez et al. 2022; facts: class-means 8): each head reads the normalised
// distances of its exit beside its features. The means are those of the network before heads are trained.
#include "core/methods/heads.h"
#include "core/methods/means.h"

namespace eexit::method {

namespace {

struct JoinedHead : torch::nn::Module {
  JoinedHead(std::string const& exit, Shape const& shape, HeadShape const& rule, std::shared_ptr<ClassMeans> at,
             int classes) {
    head = register_module("head", std::make_shared<ExitHead>(exit, shape, rule, classes, classes));
    means = register_module("means", std::move(at));
  }
  Tensor forward(Tensor const& x) { return head->forward(x, distances(x)); }

  // Inputs like any other: no gradient goes through them into the network.
  Tensor distances(Tensor const& x) const {
    torch::NoGradGuard no_grad;
    return means->normalised(means->distances(x));
  }
  std::shared_ptr<ExitHead> head;
  std::shared_ptr<ClassMeans> means;
};

}  // namespace

Method class_means_sdn(JsonReader& reader) {
  auto const head = read_head(reader);
  auto const rule = read_means(reader, /*clusters=*/false);
  reader.done();
  return {.make_heads =
              [=](Sites const& sites, int classes, Builder& builder) {
                auto const means = make_means(sites, rule, classes);
                Heads made;
                for (auto const& [name, shape] : sites) {
                  auto module = builder.add("head." + name, [&, &exit = name, &features = shape] {
                    return std::make_shared<JoinedHead>(exit, features, head, means.at(exit), classes);
                  });
                  made.heads[name] = {module, [module](State const& state, Earlier const&) {
                                        return Answer{module->forward(state.x), {}};
                                      }};
                }
                return made;
              },
          .fitting = fitting_of(rule),
          .idle_parameters = {"memory"}};
}

}  // namespace eexit::method
