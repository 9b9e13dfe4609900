import { describe, it } from 'vitest';
import { emulated, hasEmulator } from '../../native/gpu.ts';
import { lack, where } from '../../frame/needs.ts';
import { tfjs } from '../devices.ts';
import { Golden } from './golden.ts';
import { followSteps } from './goldenSteps.ts';

describe('20 training steps of GPT-2, against float64 PyTorch', () => {
  it('are followed by tfjs', async () => followSteps(await tfjs.open(), new Golden('gpt2-tiny')));

  where(it, [hasEmulator, lack.emulator])('are followed by an emulated GPU', async () =>
    followSteps(await emulated('random').open(), new Golden('gpt2-odd')),
  );
});
