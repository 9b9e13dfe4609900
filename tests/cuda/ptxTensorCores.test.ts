import { interpretedAddonPath } from '../../electron/engine/devices/cuda/addon.ts';
import { testTensorCores } from './tensorCoreTests.ts';

testTensorCores('an interpreted GPU', interpretedAddonPath);
