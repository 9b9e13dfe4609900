import { emulatedAddonPath } from '../../electron/engine/devices/cuda/addon.ts';
import { testTensorCores } from './tensorCoreTests.ts';

testTensorCores('an emulated GPU', emulatedAddonPath);
