import { testTensorCores } from './tensorCoreTests.ts';
import { emulatedAddonPath } from './gpu.ts';

testTensorCores('an emulated GPU', emulatedAddonPath);
