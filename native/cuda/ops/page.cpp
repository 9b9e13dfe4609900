#include "../pager.h"
#include "plainCalls.h"

namespace trainyard {
namespace gpu {

void run(const PageInCall& c, Gpu& gpu) { copyWindow(c, gpu, Stream::compute); }
void run(const PageOutCall& c, Gpu& gpu) { copyWindow(c, gpu, Stream::compute); }

}  // namespace gpu
}  // namespace trainyard
