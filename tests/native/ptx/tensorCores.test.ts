import { testTensorCores } from '../tensorCoreTests.ts';
import { interpretedAddonPath } from '../gpu.ts';

testTensorCores('an interpreted GPU', interpretedAddonPath);
