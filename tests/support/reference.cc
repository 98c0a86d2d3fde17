#include "tests/support/reference.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem::reference {
namespace {

double Relu(double z, double* kink) {
  if (kink != nullptr) *kink = std::min(*kink, std::abs(z));
  return std::max(z, 0.0);
}

Vector Fm(const FieldShape& shape, const Vector& x, int rows) {
  Vector output(rows * shape.dim);
  for (int r = 0; r < rows; ++r) {
    for (int i = 0; i < shape.fields; ++i) {
      for (int j = i + 1; j < shape.fields; ++j) {
        for (int d = 0; d < shape.dim; ++d) {
          output[r * shape.dim + d] +=
              x[(r * shape.fields + i) * shape.dim + d] * x[(r * shape.fields + j) * shape.dim + d];
        }
      }
    }
  }
  return output;
}

// One row: x0 [fields, dim].
Vector CinOfRow(const proto::Cin& config, const FieldShape& shape, const std::string& name,
                const Parameters& parameters, const double* x0, double* kink) {
  const int dim = shape.dim;
  Vector output;
  Vector below(x0, x0 + shape.fields * dim);
  for (int l = 0; l < config.layers_size(); ++l) {
    const std::string prefix = name + "/" + std::to_string(l) + "/";
    const int maps = config.layers(l);
    const int previous = static_cast<int>(below.size()) / dim;
    const double* w = parameters[prefix + "weight"];
    const double* b = config.bias() ? parameters[prefix + "bias"] : nullptr;
    Vector map(maps * dim);
    for (int h = 0; h < maps; ++h) {
      for (int d = 0; d < dim; ++d) {
        double sum = b != nullptr ? b[h] : 0;
        for (int i = 0; i < previous; ++i) {
          for (int j = 0; j < shape.fields; ++j) {
            sum += w[(h * previous + i) * shape.fields + j] * below[i * dim + d] * x0[j * dim + d];
          }
        }
        map[h * dim + d] = config.activation() == proto::Cin::RELU ? Relu(sum, kink) : sum;
      }
    }
    const bool splits = config.split_half() && l + 1 < config.layers_size();
    for (int h = splits ? maps / 2 : 0; h < maps; ++h) {
      double pooled = 0;
      for (int d = 0; d < dim; ++d) pooled += map[h * dim + d];
      output.push_back(pooled);
    }
    below.assign(map.begin(), map.begin() + (splits ? maps / 2 : maps) * dim);
  }
  return output;
}

Vector CrossOfRow(const proto::Cross& config, const std::string& name, const Parameters& parameters,
                  const Vector& x0) {
  const int width = static_cast<int>(x0.size());
  Vector x = x0;
  for (int l = 0; l < config.layers(); ++l) {
    Vector next = x;
    if (config.version() == proto::Cross::V1) {
      const double* w = parameters[name + "/weight"] + l * width;
      const double* b = parameters[name + "/bias"] + l * width;
      double product = 0;
      for (int i = 0; i < width; ++i) product += x[i] * w[i];
      for (int i = 0; i < width; ++i) next[i] += x0[i] * product + b[i];
    } else {
      const std::string prefix = name + "/" + std::to_string(l) + "/";
      const double* b = parameters[prefix + "bias"];
      const double* full = config.rank() == 0 ? parameters[prefix + "weight"] : nullptr;
      const double* u = config.rank() > 0 ? parameters[prefix + "u"] : nullptr;
      const double* v = config.rank() > 0 ? parameters[prefix + "v"] : nullptr;
      for (int i = 0; i < width; ++i) {
        double z = b[i];
        for (int j = 0; j < width; ++j) {
          double w = full != nullptr ? full[i * width + j] : 0;
          for (int k = 0; k < config.rank(); ++k) w += u[i * config.rank() + k] * v[k * width + j];
          z += w * x[j];
        }
        next[i] += x0[i] * z;
      }
    }
    x = next;
  }
  return x;
}

Vector LayerNorm(const Vector& x, const double* scale, const double* shift) {
  double mean = 0, variance = 0;
  for (const double value : x) mean += value / x.size();
  for (const double value : x) variance += (value - mean) * (value - mean) / x.size();
  Vector out(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    out[i] = (x[i] - mean) / std::sqrt(variance + 1e-5) * scale[i] + shift[i];
  return out;
}

// x W + b, W [in, out].
Vector Affine(const Vector& x, int outputs, const std::string& name, const Parameters& parameters) {
  const double *w = parameters[name + "/weight"], *b = parameters[name + "/bias"];
  Vector out(b, b + outputs);
  for (size_t i = 0; i < x.size(); ++i) {
    for (int j = 0; j < outputs; ++j) out[j] += x[i] * w[i * outputs + j];
  }
  return out;
}

// The tokens of one row after one block.
std::vector<Vector> TransformerBlock(const proto::Transformer& config, const std::string& name,
                                     const Parameters& parameters, const std::vector<Vector>& tokens,
                                     double* kink) {
  const int dim = static_cast<int>(tokens[0].size()), size = dim / config.heads();
  std::vector<Vector> qkv, next;
  for (const Vector& token : tokens) qkv.push_back(Affine(token, 3 * dim, name + "/qkv", parameters));
  for (size_t i = 0; i < tokens.size(); ++i) {
    Vector mixed(dim);
    for (int head = 0; head < config.heads(); ++head) {
      Vector weights;
      double sum = 0;
      for (const Vector& other : qkv) {
        double score = 0;
        for (int d = head * size; d < (head + 1) * size; ++d) score += qkv[i][d] * other[dim + d];
        weights.push_back(std::exp(score / std::sqrt(size)));
        sum += weights.back();
      }
      for (size_t j = 0; j < qkv.size(); ++j) {
        for (int d = head * size; d < (head + 1) * size; ++d)
          mixed[d] += weights[j] / sum * qkv[j][2 * dim + d];
      }
    }
    const auto plus = [](Vector a, const Vector& b) {
      for (size_t k = 0; k < a.size(); ++k) a[k] += b[k];
      return a;
    };
    const Vector y = LayerNorm(plus(tokens[i], Affine(mixed, dim, name + "/out", parameters)),
                               parameters[name + "/norm1/scale"], parameters[name + "/norm1/shift"]);
    Vector hidden = Affine(y, config.hidden(), name + "/ffn1", parameters);
    for (double& value : hidden) value = Relu(value, kink);
    next.push_back(LayerNorm(plus(y, Affine(hidden, dim, name + "/ffn2", parameters)),
                             parameters[name + "/norm2/scale"], parameters[name + "/norm2/shift"]));
  }
  return next;
}

Vector TransformerOfRow(const proto::Transformer& config, const FieldShape& shape, const std::string& name,
                        const Parameters& parameters, const Vector& x, double* kink) {
  const int dim = shape.dim;
  std::vector<int> fields;  // the sequence's, then the target's
  for (const std::string& wanted : {config.sequence(), config.target()}) {
    for (const FeatureFields& feature : shape.features) {
      for (int f = 0; feature.name == wanted && f < feature.count; ++f) fields.push_back(feature.first + f);
    }
  }
  std::vector<Vector> tokens;
  std::vector<size_t> places;
  for (size_t p = 0; p < fields.size(); ++p) {
    Vector token(x.begin() + fields[p] * dim, x.begin() + (fields[p] + 1) * dim);
    if (token == Vector(dim)) continue;
    for (int d = 0; d < dim; ++d) token[d] += parameters[name + "/position"][p * dim + d];
    tokens.push_back(token);
    places.push_back(p);
  }
  for (int b = 0; b < config.blocks() && !tokens.empty(); ++b)
    tokens = TransformerBlock(config, name + "/" + std::to_string(b), parameters, tokens, kink);
  Vector output(fields.size() * dim);
  for (size_t t = 0; t < tokens.size(); ++t)
    std::copy(tokens[t].begin(), tokens[t].end(), output.begin() + places[t] * dim);
  return output;
}

Vector Normalized(int width, const std::string& name, const Parameters& parameters, Vector x, int rows) {
  if (parameters[name + "/input_steps"][0] == 0) return x;
  const double* mean = parameters[name + "/input_mean"];
  const double* variance = parameters[name + "/input_variance"];
  for (int i = 0; i < rows * width; ++i) {
    x[i] = (x[i] - mean[i % width]) / std::sqrt(variance[i % width] + 1e-5);
  }
  return x;
}

// [a | b], row by row.
Vector Concatenate(const Vector& a, const Vector& b, int rows) {
  Vector both;
  const size_t a_width = a.size() / rows, b_width = b.size() / rows;
  for (int r = 0; r < rows; ++r) {
    both.insert(both.end(), a.begin() + r * a_width, a.begin() + (r + 1) * a_width);
    both.insert(both.end(), b.begin() + r * b_width, b.begin() + (r + 1) * b_width);
  }
  return both;
}

// Adds x . w to every row's logit; null w: all ones.
void ReadOut(const Vector& x, const double* w, Vector* logits) {
  const size_t width = x.size() / logits->size();
  for (size_t r = 0; r < logits->size(); ++r) {
    for (size_t j = 0; j < width; ++j) (*logits)[r] += x[r * width + j] * (w != nullptr ? w[j] : 1);
  }
}

double CrossEntropy(double logit, double target) {
  const double p = 1 / (1 + std::exp(-logit));
  return -target * std::log(p) - (1 - target) * std::log(1 - p);
}

double HintOfRow(const Hint& hint, int row) {
  double sum = 0;
  for (int j = 0; j < hint.teacher_width; ++j) {
    const double* student = &hint.student[row * hint.student_width];
    double adapted = hint.weight.empty() ? student[j] : hint.bias[j];
    for (int i = 0; !hint.weight.empty() && i < hint.student_width; ++i) {
      adapted += student[i] * hint.weight[i * hint.teacher_width + j];
    }
    const double difference = adapted - hint.teacher[row * hint.teacher_width + j];
    sum += difference * difference;
  }
  return sum / hint.teacher_width * hint.inverse_variance;
}

}  // namespace

const double* Parameters::operator[](const std::string& name) const {
  const ParameterBlock* block = layout_.Find(name);
  CHECK(block != nullptr) << "no block " << name;
  return values_.data() + block->offset;
}

Vector Interaction(const proto::Interaction& config, const FieldShape& shape, const std::string& name,
                   const Parameters& parameters, const Vector& x, int rows, double* kink) {
  if (config.has_fm()) return Fm(shape, x, rows);
  Vector output;
  const int width = shape.fields * shape.dim;
  for (int r = 0; r < rows; ++r) {
    const Vector row(x.begin() + r * width, x.begin() + (r + 1) * width);
    Vector out;
    if (config.has_cin()) out = CinOfRow(config.cin(), shape, name, parameters, row.data(), kink);
    if (config.has_cross()) out = CrossOfRow(config.cross(), name, parameters, row);
    if (config.has_transformer())
      out = TransformerOfRow(config.transformer(), shape, name, parameters, row, kink);
    output.insert(output.end(), out.begin(), out.end());
  }
  return output;
}

std::vector<Vector> Mlp(const proto::Mlp& config, int input_width, const std::string& name,
                        const Parameters& parameters, const Vector& x, int rows, const DropoutMasks& masks,
                        double* kink, std::optional<int> head) {
  std::vector<Vector> hidden;
  Vector input = config.normalize_input() ? Normalized(input_width, name, parameters, x, rows) : x;
  int inputs = input_width;
  for (int l = 0; l < config.hidden_size(); ++l) {
    const int outputs = config.hidden(l);
    const double* w = parameters[name + "/" + std::to_string(l) + "/weight"];
    const double* b = parameters[name + "/" + std::to_string(l) + "/bias"] + head.value_or(0) * outputs;
    const std::string factors = name + "/" + std::to_string(l) + "/weight_";
    Vector in(inputs, 1), out(outputs, 1);
    if (head.has_value()) {
      std::copy_n(parameters[factors + "inputs"] + *head * inputs, inputs, in.begin());
      std::copy_n(parameters[factors + "outputs"] + *head * outputs, outputs, out.begin());
    }
    Vector layer(rows * outputs);
    for (int r = 0; r < rows; ++r) {
      for (int j = 0; j < outputs; ++j) {
        double z = 0;
        for (int i = 0; i < inputs; ++i) z += input[r * inputs + i] * in[i] * w[i * outputs + j];
        z = z * out[j] + b[j];
        layer[r * outputs + j] = Relu(z, kink) * (masks.empty() ? 1 : masks[l][r * outputs + j]);
      }
    }
    hidden.push_back(layer);
    input = layer;
    inputs = outputs;
  }
  return hidden;
}

TowerOutput Tower(const proto::Tower& config, const FieldShape& all, const Parameters& parameters,
                  const Vector& all_x, const Vector& linear, int rows, const DropoutMasks& masks) {
  // Sequences come last, and are for transformers alone.
  const FieldShape shape = {PlainFields(all), all.dim};
  Vector x;
  for (int r = 0; r < rows; ++r) {
    const auto row = all_x.begin() + r * all.fields * all.dim;
    x.insert(x.end(), row, row + shape.fields * shape.dim);
  }
  TowerOutput output;
  output.logits.assign(rows, parameters["bias"][0]);
  for (int r = 0; r < rows && config.linear(); ++r) output.logits[r] += linear[r];
  const bool stacked = config.combine() == proto::Tower::STACKED;

  Vector crossed;  // STACKED: the interactions' outputs side by side
  for (int i = 0; i < config.interaction_size(); ++i) {
    const proto::Interaction& layer = config.interaction(i);
    const std::string index = std::to_string(i);
    const bool reads_all = layer.has_transformer();
    const Vector out = Interaction(layer, reads_all ? all : shape, "interaction/" + index, parameters,
                                   reads_all ? all_x : x, rows, &output.kink);
    if (stacked) {
      crossed = Concatenate(crossed, out, rows);
    } else {
      const std::string readout = "readout/" + index + "/weight";
      ReadOut(out, parameters.Has(readout) ? parameters[readout] : nullptr, &output.logits);
    }
  }
  const Vector input = Concatenate(crossed, x, rows);
  if (config.has_mlp()) {
    const int width = static_cast<int>(input.size()) / rows;
    const bool shared = config.head_weights() == proto::Tower::RANK_ONE;
    const Vector common = output.logits;
    output.logits.assign(rows, 0);
    for (int k = 0; k < config.heads(); ++k) {
      const std::string prefix =
          config.heads() > 1 && !shared ? "heads/" + std::to_string(k) + "/" : std::string();
      const std::optional<int> head = shared ? std::optional<int>(k) : std::nullopt;
      const std::vector<Vector> hidden =
          Mlp(config.mlp(), width, prefix + "mlp", parameters, input, rows, masks, &output.kink, head);
      const int top = static_cast<int>(hidden.back().size()) / rows;
      output.head_logits.push_back(common);
      ReadOut(hidden.back(), parameters[prefix + "head/weight"] + (shared ? k * top : 0),
              &output.head_logits.back());
      for (int r = 0; r < rows; ++r) output.logits[r] += output.head_logits.back()[r] / config.heads();
      if (k == 0) output.hidden = hidden;
    }
    return output;
  }
  if (stacked) ReadOut(input, parameters["head/weight"], &output.logits);
  output.head_logits = {output.logits};
  return output;
}

namespace {

double LogitLoss(const proto::Distill& config, double student, double teacher) {
  const double t = config.temperature();
  switch (config.logit_loss()) {
    case proto::Distill::MSE:
      return (student - teacher) * (student - teacher);
    case proto::Distill::SOFT_LABEL:
      return t * t * CrossEntropy(student / t, 1 / (1 + std::exp(-teacher / t)));
  }
  return std::numeric_limits<double>::quiet_NaN();  // equals nothing
}

}  // namespace

Losses JointLoss(const proto::Distill& config, const Vector& labels, const Vector& weights,
                 const Vector& teacher, const Vector& frozen_teacher, const Vector& student,
                 const std::vector<Hint>& hints) {
  Losses losses;
  const int rows = static_cast<int>(labels.size());
  for (int r = 0; r < rows; ++r) {
    const double share = (weights.empty() ? 1 : weights[r]) / rows;
    losses.teacher_label += share * CrossEntropy(teacher[r], labels[r]);
    losses.student_label += share * CrossEntropy(student[r], labels[r]);
    losses.logit += share * LogitLoss(config, student[r], frozen_teacher[r]);
    for (const Hint& hint : hints) losses.hint += share * HintOfRow(hint, r);
  }
  losses.total = losses.teacher_label + config.student_label_weight() * losses.student_label +
                 config.logit_weight() * losses.logit + config.hint_weight() * losses.hint;
  return losses;
}

}  // namespace tandem::reference
