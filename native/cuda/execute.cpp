// Which function of ops/ a call is for: those of calls without numbers of type T are in sources of their own there.
#include "execute.h"

#include "plainCalls.h"

namespace trainyard {
namespace gpu {

namespace {

#include "dispatch.inl.h"
#include "together.inl.h"

const KindInfo& infoOf(const Call& call) { return kKinds[static_cast<int>(call.kind)]; }

}  // namespace

size_t fusedCount(const std::vector<Call>& calls, size_t at) {
  const Call& first = calls[at];
  const Group group = infoOf(first).group;
  if (group == Group::none) return 1;
  size_t end = at + 1;
  while (end < calls.size() && infoOf(calls[end]).group == group && calls[end].precision == first.precision) end++;
  return end - at;
}

void executeFused(const Call* calls, size_t count, Gpu& gpu) {
  runFusedPlain(calls, count, gpu);
  switch (calls->precision) {
    case Precision::f32: return executeFusedReal<float>(calls, count, gpu);
    case Precision::bf16: return executeFusedReal<Bf16>(calls, count, gpu);
    case Precision::f16: return executeFusedReal<F16>(calls, count, gpu);
  }
}

void execute(const Call& call, Gpu& gpu) {
  if (!infoOf(call).isReal) return runPlain(call, gpu);
  switch (call.precision) {
    case Precision::f32: return executeReal<float>(call, gpu);
    case Precision::bf16: return executeReal<Bf16>(call, gpu);
    case Precision::f16: return executeReal<F16>(call, gpu);
  }
}

}  // namespace gpu
}  // namespace trainyard
