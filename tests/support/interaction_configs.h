// Configs of every kind of interaction, as text: what all layers promise is tested over these. Names of
// features are "history", a sequence, and "item".
#ifndef TANDEM_TESTS_SUPPORT_INTERACTION_CONFIGS_H_
#define TANDEM_TESTS_SUPPORT_INTERACTION_CONFIGS_H_

namespace tandem {

inline constexpr const char* kInteractionConfigs[] = {
    "fm {}",
    "cin { layers: 5 }",
    "cin { layers: 5 layers: 3 }",
    "cin { layers: 5 layers: 3 bias: true }",
    "cin { layers: 4 layers: 6 layers: 3 activation: RELU bias: true }",
    "cin { layers: 4 layers: 6 layers: 3 split_half: true bias: true }",
    "cin { layers: 6 activation: RELU }",
    "cin { layers: 6 layers: 4 activation: RELU split_half: true bias: true }",
    "cross { version: V1 layers: 1 }",
    "cross { version: V1 layers: 4 }",
    "cross { version: V2 layers: 1 }",
    "cross { version: V2 layers: 3 }",
    "cross { version: V2 layers: 1 rank: 2 }",
    "cross { version: V2 layers: 3 rank: 5 }",
    "transformer { sequence: 'history' target: 'item' heads: 1 hidden: 5 }",
    "transformer { sequence: 'history' target: 'item' heads: 2 hidden: 7 }",
    "transformer { sequence: 'history' target: 'item' heads: 4 hidden: 3 blocks: 2 }",
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_INTERACTION_CONFIGS_H_
