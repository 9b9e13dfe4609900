// Kernels with a mistake each, which the emulator must find whatever the order of threads, and one without.
#include "selfTest.h"

#include <map>

#include "layer.h"

namespace trainyard {
namespace gpu {
namespace {

constexpr int kThreads = 64;
alignas(16) const float kSource[4 * kThreads] = {};

using Body = void (*)(Thread&);

const std::map<std::string, Body>& kernels() {
  static const std::map<std::string, Body> all = {
      {"right",
       [](Thread& t) {
         const Shared<float> values = t.shared<float>(0), copies = values + kThreads, scratch = copies + 4 * kThreads;
         t.copyAsync(copies + 4 * t.index(), kSource + 4 * t.index(), true);
         t.commitCopies();
         values[t.index()] = static_cast<float>(t.index());
         t.waitCopies<0>();
         t.sync();
         const int next = (t.index() + 1) % kThreads;
         const float sum = blockSum(t, values[next] + copies[4 * next], scratch);
         const float most = blockMax(t, values[t.index()], scratch);
         if (sum != kThreads * (kThreads - 1) / 2 || most != kThreads - 1) throw KernelError("the sums are wrong");
         // Within a warp a shuffle is a barrier.
         values[t.index()] = -1.0f;
         t.shuffleXor(0, 1);
         const float other = values[t.index() ^ 1];
         if (other != -1.0f) throw KernelError("a neighbour was not seen");
       }},
      {"readWithoutBarrier",
       [](Thread& t) {
         const Shared<float> values = t.shared<float>(0);
         values[t.index()] = 0.0f;
         t.sync();
         values[t.index()] = 1.0f;
         (void)static_cast<float>(values[(t.index() + 32) % kThreads]);
       }},
      {"writeBehindReads",
       [](Thread& t) {
         const Shared<float> values = t.shared<float>(0);
         if (t.index() == 0) values[0] = 1.0f;
         t.sync();
         (void)static_cast<float>(values[0]);
         if (t.index() == 40) values[0] = 2.0f;
       }},
      {"twoWriters", [](Thread& t) { t.shared<float>(0)[t.index() / 2] = 1.0f; }},
      {"neverWritten", [](Thread& t) { (void)static_cast<float>(t.shared<float>(0)[t.index()]); }},
      {"outOfBounds", [](Thread& t) { t.shared<float>(0)[100'000 + t.index()] = 1.0f; }},
      {"readBeforeCopy",
       [](Thread& t) {
         const Shared<float> copies = t.shared<float>(0);
         for (int i = 0; i < 2; i++) {
           t.copyAsync(copies + 4 * (t.index() + i * kThreads), kSource + 4 * t.index(), true);
           t.commitCopies();
         }
         t.waitCopies<1>();
         (void)static_cast<float>(copies[4 * t.index()]);                // there
         (void)static_cast<float>(copies[4 * (t.index() + kThreads)]);  // not yet
         t.waitCopies<0>();
       }},
      {"copyWithoutBarrier",
       [](Thread& t) {
         const Shared<float> copies = t.shared<float>(0);
         t.copyAsync(copies + 4 * t.index(), kSource + 4 * t.index(), true);
         t.commitCopies();
         t.waitCopies<0>();
         (void)static_cast<float>(copies[4 * ((t.index() + 32) % kThreads)]);
       }},
      {"forgottenCopies",
       [](Thread& t) {
         t.copyAsync(t.shared<float>(0) + 4 * t.index(), kSource + 4 * t.index(), true);
         t.commitCopies();
       }},
      {"missedBarrier",
       [](Thread& t) {
         if (t.index() >= 32) t.sync();
       }},
      {"missedShuffle",
       [](Thread& t) {
         if (t.lane() < 31) t.shuffleXor(0, 1);
       }},
  };
  return all;
}

}  // namespace

std::string selfTest(const std::string& name, Block& block) {
  const auto found = kernels().find(name);
  if (found == kernels().end()) throw std::invalid_argument("there is no kernel '" + name + "'");
  try {
    block.run(name.c_str(), {3, 2, kThreads, 8192}, [&](Thread& t) { found->second(t); });
  } catch (const KernelError& e) {
    return e.what();
  }
  return "";
}

}  // namespace gpu
}  // namespace trainyard
