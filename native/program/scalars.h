// Places in the `scalars` buffer: see electron/engine/gpt2/inputs.ts.
#pragma once

namespace trainyard {

enum Scalar { kLearningRate, kBiasCorrection1, kBiasCorrection2, kLossScale, kLossGradient };

}  // namespace trainyard
